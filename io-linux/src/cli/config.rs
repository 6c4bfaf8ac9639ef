//! The configuration file: which one holds, reading it again, and `netsession config`.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use netsession_io_linux::configuration::{Conflict, EXAMPLE, Faults};
use netsession_io_linux::{Configuration, Driver, Error};

use super::arguments::{ConfigArguments, ConfigCommand, ConfigurationFile};
use super::complain;
use super::output::Output;
use super::status::{Failure, Status};

const SYSTEM_WIDE: &str = "/etc/netsession.toml";
const NAME: &str = "netsession.toml";
/// A file that is larger is none that somebody wrote.
const LARGEST_BYTES: u64 = 1024 * 1024;
/// A configuration with more conflicts has another problem.
const CONFLICTS_TOLD: usize = 50;

/// The configuration that a command runs with, and where it comes from.
#[derive(Debug)]
pub(crate) struct InForce {
    path: Option<PathBuf>,
    overrides: Overrides,
    configuration: Configuration,
}

/// What the command line says, which goes before the file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) hold_off: Option<Duration>,
    pub(crate) answer_within: Option<Duration>,
}

impl InForce {
    /// Reads the file that holds, if there is one.
    ///
    /// # Errors
    /// It is wrong, or cannot be read.
    pub(crate) fn find(file: &ConfigurationFile, overrides: Overrides) -> Result<Self, Failure> {
        let (path, text) = match &file.path {
            Some(path) => (Some(path.clone()), read(path).map_err(|error| unreadable(path, &error))?),
            None => find()?.map_or_else(|| (None, String::new()), |(path, text)| (Some(path), text)),
        };
        let configuration = match (&path, Configuration::from_toml(&text)) {
            (_, Ok(configuration)) => configuration,
            (path, Err(faults)) => {
                let path = path.as_deref().unwrap_or(Path::new(SYSTEM_WIDE));
                let message = format!("the configuration file is wrong:\n{}", in_lines(path, &faults));
                return Err(Failure::new(Status::CONFIGURATION, message));
            }
        };
        Ok(Self { path, overrides, configuration: overrides.over(configuration) })
    }

    /// What it says, with what the command line says over it.
    pub(crate) fn configuration(&self) -> Configuration {
        self.configuration.clone()
    }

    /// Whether there is a file that can be read again.
    pub(crate) const fn is_of_file(&self) -> bool {
        self.path.is_some()
    }

    /// Reads the same file again, and gives it to the driver if nothing is wrong with it. Either is told on
    /// standard error.
    pub(crate) fn read_again(&mut self, driver: &Driver) {
        let Some(path) = &self.path else { return };
        let read = read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        let read = read.and_then(|text| {
            Configuration::from_toml(&text)
                .map_err(|faults| format!("the configuration file is wrong:\n{}", in_lines(path, &faults)))
        });
        match read {
            Ok(configuration) => {
                self.configuration = self.overrides.over(configuration);
                let postponed = driver.reconfigure(self.configuration.clone());
                for postponed in postponed {
                    complain(&postponed.to_string());
                }
                complain(&format!("{} was read again and is in force", path.display()));
            }
            Err(message) => {
                complain(&message);
                complain("nothing has changed: what was in force before still is");
            }
        }
    }
}

impl Overrides {
    fn over(self, mut configuration: Configuration) -> Configuration {
        if let Some(hold_off) = self.hold_off {
            configuration.driver.hold_off = hold_off;
            configuration.service_networks.iter_mut().for_each(|network| network.hold_off = None);
        }
        if self.answer_within.is_some() {
            configuration.driver.answer_within = self.answer_within;
            configuration.service_networks.iter_mut().for_each(|network| network.answer_within = None);
        }
        configuration
    }
}

/// Does what is asked with the configuration file.
///
/// # Errors
/// It is wrong, it cannot be read, or the output cannot be written.
pub(crate) fn run(arguments: &ConfigArguments) -> Result<Status, Failure> {
    match &arguments.command {
        ConfigCommand::Check { checked, file, strict } => {
            let path = checked.clone().or_else(|| file.path.clone());
            check(&ConfigurationFile { path }, *strict)
        }
        ConfigCommand::Show(file) => show(file),
        ConfigCommand::Example => Output::new(false).text(EXAMPLE).map(|()| Status::DONE),
    }
}

/// As `nginx -t` and `sshd -t` do it: what could not be carried out is a failure, what is carried out otherwise than it
/// may be meant is a warning.
fn check(file: &ConfigurationFile, is_strict: bool) -> Result<Status, Failure> {
    let in_force = InForce::find(file, Overrides::default())?;
    let Some(path) = &in_force.path else {
        let nothing = format!("there is no configuration file ({}); none is needed", places_in_words());
        Output::new(false).line(nothing)?;
        return Ok(Status::DONE);
    };
    let conflicts = match conflicts(in_force.configuration()) {
        Ok(conflicts) => conflicts,
        Err(Error::Refused(refused)) => return Err(unfit(path, &[refused.to_string()])),
        Err(error) => {
            complain(&format!("the interfaces of this machine cannot be looked at: {error}"));
            Vec::new()
        }
    };
    let (fatal, warnings): (Vec<_>, Vec<_>) = conflicts.iter().partition(|it| is_strict || it.is_fatal());
    for warning in warnings {
        complain(&format!("warning: on this machine {warning}"));
    }
    if !fatal.is_empty() {
        return Err(unfit(path, &fatal));
    }
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    Output::new(false).line(format_args!(
        "{}: nothing is wrong with it: {}, {}",
        path.display(),
        count(in_force.configuration.access_points.len(), "access point"),
        count(in_force.configuration.service_networks.len(), "service network"),
    ))?;
    Ok(Status::DONE)
}

/// A file that is right in itself and not for this machine.
fn unfit(path: &Path, reasons: &[impl ToString]) -> Failure {
    let lines: Vec<String> =
        reasons.iter().map(|it| format!("{}: on this machine {}", path.display(), it.to_string())).collect();
    let message = format!("the configuration file does not fit this machine:\n{}", lines.join("\n"));
    Failure::new(Status::CONFIGURATION, message)
}

/// What does not fit the interfaces that there are now.
fn conflicts(configuration: Configuration) -> Result<Vec<Conflict>, Error> {
    let driver = Driver::builder().configuration(configuration).build()?;
    let mut conflicts = Vec::new();
    while conflicts.len() < CONFLICTS_TOLD {
        match driver.turn() {
            Ok(_) => break,
            Err(Error::Conflict(conflict)) => conflicts.push(conflict),
            Err(error) => return Err(error),
        }
    }
    Ok(conflicts)
}

fn show(file: &ConfigurationFile) -> Result<Status, Failure> {
    let in_force = InForce::find(file, Overrides::default())?;
    let origin = match &in_force.path {
        Some(path) => format!("# In force: {}, and defaults where it says nothing.", path.display()),
        None => format!("# In force: defaults. There is no file ({}).", places_in_words()),
    };
    let text = format!("{origin}\n\n{}", in_force.configuration.to_toml());
    Output::new(false).text(text).map(|()| Status::DONE)
}

/// The first file that is where one may be.
fn find() -> Result<Option<(PathBuf, String)>, Failure> {
    for path in places() {
        match read(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            // None is needed. In another user's home nobody can tell whether there is one.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                if path.exists() {
                    complain(&format!("going on without {}: {error}", path.display()));
                }
            }
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(None)
}

/// Where a configuration file may be, the first that there is holds.
fn places() -> Vec<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let own = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    own.map(|folder| folder.join(NAME)).into_iter().chain([PathBuf::from(SYSTEM_WIDE)]).collect()
}

fn places_in_words() -> String {
    let places: Vec<String> = places().iter().map(|path| path.display().to_string()).collect();
    format!("neither {}", places.join(" nor "))
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_BYTES) {
        let message = format!("it has more than {LARGEST_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(valid);
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|it| *it != '\n').count() + 1);
        let message = format!("line {line}, column {column}: this is not UTF-8, as a file has to be");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot read the configuration file {}: {error}", path.display());
    Failure::new(Status::CONFIGURATION, message)
}

/// As editors know it.
fn in_lines(path: &Path, faults: &Faults) -> String {
    let line = |fault: &netsession_io_linux::configuration::Fault| {
        format!("{}:{}:{}: {}", path.display(), fault.line, fault.column, fault.message)
    };
    faults.0.iter().map(line).collect::<Vec<_>>().join("\n")
}
