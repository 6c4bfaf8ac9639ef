//! The command line: every command, its options, and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use netsession_core::{Instant, RoamingMode};
use netsession_io_linux::{Builder, Driver};
use rustix::process::Signal;

use super::config::Overrides;
use super::status::TABLE;

const AFTER_HELP: &str = "\
Begin with:
  netsession demo                     see what it does; no root, nothing of this machine is touched
  netsession list                     what there is on this machine
  netsession run eth0 -- make fetch   hold a session while a command runs";

/// Sessions on the network interfaces of this machine: open, share, lose and close them.
#[derive(Debug, Parser)]
#[command(name = "netsession", version, long_about = LONG_ABOUT)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{AFTER_HELP}\n\n{TABLE}"))]
#[command(arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG_ABOUT: &str = "\
Sessions on the network interfaces of this machine.

A session says that a program needs a network. Opening one starts the link if it is down; sessions on the same \
link share it; the last one that closes takes down what was started for it; and whoever holds a session is told \
at once when the link is lost.

list, monitor, why, demo, sim and replay need no privilege. Starting and stopping links needs CAP_NET_ADMIN; a link \
that is up can be used without.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows what can be opened: state, interface, addresses, byte counters
    ///
    /// Shows every access point (an interface) and service network (interfaces that lead to the same place) with
    /// its state: undefined, defined (not in reach), discovered (could be opened) or active (up). Needs no
    /// privilege and no configuration file. The byte counters are the kernel's. With --json it prints `view`
    /// lines, whose counters begin when the driver saw the link come up.
    #[command(after_help = "Example:\n  netsession list", after_long_help = after("netsession list\n  netsession list --json | jq .view.id"))]
    List(Here),
    /// Shows what happens to the network, as it happens
    ///
    /// Shows what there is, and then every change the moment that the kernel tells it. Needs no privilege and no
    /// configuration file. An interrupt is its ordinary end, with status 0. With --json it prints `view` and `out`
    /// lines. As a service of systemd (Type=notify) it is ready when it has shown what there is.
    #[command(after_help = "Example:\n  netsession monitor", after_long_help = after("netsession monitor\n  netsession monitor --json --trace today.jsonl"))]
    Monitor(Here),
    /// Shows configurations, sessions, byte rates and the last events on the whole terminal
    ///
    /// Keeps on the screen what there is, as it changes: every configuration with its state, interface, holders and
    /// byte rates, the rates of the chosen one over time, the sessions of this program, and the last events. Keys: q
    /// ends it, the arrows (or j and k) choose a configuration, o opens a session on it, c closes it, ? shows this.
    ///
    /// Everything else is told by the kernel, but not byte counters: they must be asked for. So this is the one
    /// command that works while nothing happens, every second (--interval MS) for as long as it is on the screen.
    /// Sessions that are open when it ends are closed. Needs no privilege.
    #[command(after_help = "Example:\n  netsession top", after_long_help = after("netsession top\n  netsession top --open eth0 --interval 250"))]
    Top(TopArguments),
    /// Holds an open session while a command runs
    ///
    /// Opens a session on CONFIG, runs CMD, closes the session however CMD ends, and ends as CMD ended. CMD finds
    /// the interface in NETSESSION_INTERFACE and the configuration in NETSESSION_CONFIGURATION. Signals that are
    /// sent to netsession are passed on to CMD, but for SIGHUP where it has a configuration file. If the session
    /// moves to another member of its service network, or is lost, that is said on standard error and CMD goes on.
    /// Connections do not move with it: CMD makes new ones when it is told, by --roam-signal or --roam-fd. As a service
    /// of systemd (Type=notify) it is ready when the session is open and CMD runs, and shows in the status where it
    /// stands.
    #[command(after_help = "Example:\n  netsession run eth0 -- sh -c 'echo online on $NETSESSION_INTERFACE'")]
    #[command(after_long_help = after(RUN_EXAMPLES))]
    Run(RunArguments),
    /// Opens a session and holds it, showing each event
    ///
    /// Opens a session on CONFIG and shows what the session is told, with the time since the command began. It
    /// closes the session at the end of its input (Ctrl-D), even where it asks something, or when it is
    /// interrupted (Ctrl-C); a second interrupt ends it at once. It goes on when the session is lost, so that the
    /// loss can be seen.
    ///
    /// With --roam application it asks before it moves to another member, and again when both are up. Answers are
    /// lines: migrate or ignore (m, i) an offer, accept or reject (a, r) a trial. At any time `migrate MEMBER`
    /// tries that one, `why` explains each member, and `help` lists the answers. An answer that comes too late
    /// changes nothing, and is told so. With --json the questions are the events, and the answers the same.
    #[command(after_help = "Example:\n  netsession open eth0", after_long_help = after(OPEN_EXAMPLES))]
    Open(OpenArguments),
    /// Explains which member a session uses, and what speaks against each of the others
    ///
    /// Explains what a session that is opened now on CONFIG would use, member by member; nothing is opened. With
    /// --from it explains where the latest session on CONFIG stood at the end of a recorded run, or at --at. A
    /// run that still goes on can be asked, too: start `open` or `run` with --trace FILE. At the prompt of `open`
    /// the word `why` does the same. Needs no privilege.
    #[command(after_help = "Example:\n  netsession why office --members eth0,wlan0", after_long_help = after(WHY_EXAMPLES))]
    Why(WhyArguments),
    /// Feeds a recorded trace to a fresh core, and compares
    ///
    /// Feeds the `in` and `query` lines of FILE to a fresh core and prints its outputs and views as JSON lines. If
    /// FILE holds `out` lines they are compared: status 0 when all agree, 1 with the first difference when not.
    ///
    /// With --html it prints nothing and writes a page for a browser: a lane for each session, service network and
    /// access point over time, with a mark for each thing said, to be zoomed into (wheel, + and -), dragged, and
    /// pointed at (or walked with Tab and the arrow keys). The page is one file that loads nothing. It takes some
    /// 30 bytes for each thing said (3 MB for 100 000), having each text once, and draws only what is in view.
    /// Nothing is written for a trace with a bad line.
    #[command(after_help = "Example:\n  netsession replay --explain today.jsonl", after_long_help = after(REPLAY_EXAMPLES))]
    Replay(ReplayArguments),
    /// Shows what sessions are, on kernel interfaces of its own; needs no root
    ///
    /// Makes a network namespace of its own with four virtual cables in it, whose far ends are in a second one;
    /// opens sessions, shares a link, pulls a cable, stops a link, moves a session from one link to another and
    /// back with TCP connections over both, and shows who was told what, after how many microseconds. It ends with
    /// the edges of the documented roaming diagram, ticked if they were walked. Where namespaces are not allowed it says what may be the cause, shows the same on the
    /// simulator, and ends with status 77.
    #[command(after_help = "Example:\n  netsession demo", after_long_help = after("netsession demo\n  netsession demo --svg demo.svg"))]
    Demo(DemoArguments),
    /// Shows the same on the simulator, anywhere
    ///
    /// Plays the demonstration on simulated links, in virtual time: the same on every machine and in every run.
    #[command(after_help = "Example:\n  netsession sim", after_long_help = after("netsession sim\n  netsession sim --trace story.jsonl && netsession replay --explain story.jsonl"))]
    Sim(DemoArguments),
    /// Checks and shows the configuration file, which nothing needs
    ///
    /// Commands that look at the interfaces of this machine take what a configuration file says about them:
    /// --config FILE, else netsession.toml in $XDG_CONFIG_HOME (~/.config if that is not set), else
    /// /etc/netsession.toml. One file holds, whole. It gives access points names, makes service networks of them,
    /// and says which interfaces are none; `netsession config example` explains all of it. A command that runs
    /// reads its file again when a process sends it SIGHUP (unless it was started so that it ignores that, as by
    /// nohup): a file that is wrong changes nothing, one that is right changes what is different in it, and open
    /// sessions live on.
    #[command(after_help = "Example:\n  netsession config check ./netsession.toml", after_long_help = after(CONFIG_EXAMPLES))]
    Config(ConfigArguments),
    /// Draws the state machine, as it is walked here and now
    ///
    /// Takes every step in every state of a small world, on the state machine itself, and prints what was seen as
    /// a diagram: the states of a session, or the steps of roaming when the application is asked. An arrow says
    /// what happened and, after a stroke, what the session is told and the platform asked for.
    #[command(after_help = "Example:\n  netsession diagram", after_long_help = after("netsession diagram\n  netsession diagram --of roaming --format svg > roaming.svg"))]
    Diagram(DiagramArguments),
}

const CONFIG_EXAMPLES: &str = "\
netsession config example > netsession.toml
  netsession config check netsession.toml
  netsession config show --config netsession.toml";

const RUN_EXAMPLES: &str = "\
netsession run eth0 -- sh -c 'echo online on $NETSESSION_INTERFACE'
  netsession run office --members eth0,wlan0 --wait 5000 -- rsync -a docs server:
  netsession run office --members eth0,wlan0 --roam-fd 3 -- \\
      sh -c 'while read -r interface index configuration <&3; do echo moved to $interface; done'";

const OPEN_EXAMPLES: &str = "\
netsession open eth0
  netsession open office --members eth0,wlan0 --roam application
  netsession open office --members eth0,wlan0 --roam application \\
      --check 'curl --fail --silent --interface $NETSESSION_INTERFACE https://intranet.example/'";

const WHY_EXAMPLES: &str = "\
netsession why office --members eth0,wlan0
  netsession open office --members eth0,wlan0 --trace today.jsonl
  netsession why office --from today.jsonl --at 12.5";

const REPLAY_EXAMPLES: &str = "\
netsession replay today.jsonl
  netsession replay --explain today.jsonl
  netsession replay --html today.html today.jsonl
  zcat yesterday.jsonl.gz | netsession replay -";

/// An example, and how the command may end.
fn after(examples: &str) -> String {
    format!("Example:\n  {examples}\n\n{TABLE}")
}

/// What every command takes that runs the core.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// Print JSON lines in place of text, in the words of the trace
    #[arg(long)]
    pub(crate) json: bool,
    /// Record the run in FILE, for `netsession replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

/// Which configuration file holds.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigurationFile {
    /// Take what FILE says about interfaces, and no other configuration file: see netsession config --help
    #[arg(id = "file", long = "config", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
}

/// What every command takes that looks at this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Here {
    #[command(flatten)]
    pub(crate) file: ConfigurationFile,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What to open.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// An identifier, a name, an interface or its alternative name, as `netsession list` shows them
    ///
    /// With --members: the name of the service network to make.
    #[arg(value_name = "CONFIG")]
    pub(crate) config: String,
    /// Make a service network of these, most preferred first, and open that
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) members: Vec<String>,
}

/// How a session roams.
#[derive(Args, Clone, Debug)]
pub(crate) struct Roaming {
    /// How the session moves between the members of its service network
    #[arg(long, value_enum, value_name = "MODE", default_value_t = Roam::Forced)]
    pub(crate) roam: Roam,
    #[command(flatten)]
    pub(crate) preference: Preference,
    /// Leave members that are down alone, in place of bringing them up without an address to see their cable
    ///
    /// Then a member that is down counts as usable, and only starting it tells. For members that somebody else manages
    /// who must not see them up. A configuration file says the same of one link: watch_carrier.
    #[arg(long)]
    pub(crate) no_watch_carrier: bool,
    /// Let the default route of this machine follow the session
    ///
    /// The route appears when the session is open, moves in one step when the session has moved, and goes when it
    /// is closed. The gateway is that of the member's own default route. CONFIG has to be an identifier then. Needs
    /// CAP_NET_ADMIN.
    #[arg(long)]
    pub(crate) default_route: bool,
}

impl Roaming {
    /// A driver's settings with these.
    pub(crate) fn builder(&self, target: &Target) -> Builder {
        let builder = Driver::builder().watch_carrier(!self.no_watch_carrier);
        if self.default_route { builder.follow_default_route(&target.config) } else { builder }
    }
}

/// When a better member counts as better.
#[derive(Args, Clone, Debug)]
pub(crate) struct Preference {
    /// Move to a better member only when it could be used for so many milliseconds [default: 2000, or as the
    /// configuration file says]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub(crate) hold_off: Option<Duration>,
}

impl Preference {
    /// What goes before the configuration file.
    pub(crate) const fn overrides(&self) -> Overrides {
        Overrides { hold_off: self.hold_off, answer_within: None }
    }
}

/// The roaming modes, as the command line explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Roam {
    /// You are asked before it moves, and again when both links are up
    Application,
    /// It moves by itself to a better member, and to any other when its own is lost
    Forced,
    /// It stays where it is, and ends when that is lost
    Suppressed,
}

impl From<Roam> for RoamingMode {
    fn from(roam: Roam) -> Self {
        match roam {
            Roam::Application => Self::Application,
            Roam::Forced => Self::Forced,
            Roam::Suppressed => Self::Suppressed,
        }
    }
}

/// What `top` takes.
#[derive(Args, Debug)]
pub(crate) struct TopArguments {
    /// Hold a session on CONFIG from the start
    #[arg(long, value_name = "CONFIG")]
    pub(crate) open: Option<String>,
    /// Ask for the byte counters every so many milliseconds
    #[arg(long, value_name = "MS", default_value = "1000", value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub(crate) interval: u64,
    #[command(flatten)]
    pub(crate) file: ConfigurationFile,
    /// Record the run in FILE, for `netsession replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

/// What `run` takes.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) roaming: Roaming,
    #[command(flatten)]
    pub(crate) file: ConfigurationFile,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Tell CMD by this signal that the session has moved: HUP, USR1, USR2, WINCH …
    ///
    /// CMD must be ready for it from the start: most signals end a program that does not expect them.
    #[arg(long, value_name = "SIGNAL", value_parser = signal)]
    pub(crate) roam_signal: Option<Signal>,
    /// Give CMD the descriptor N to read from: a line for each move
    ///
    /// Each line has the name of the new interface, its index, and the configuration: `eth0 2 eth0`. CMD also
    /// finds N in NETSESSION_ROAM_FD. The signal of --roam-signal follows the line.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..1024))]
    pub(crate) roam_fd: Option<i32>,
    /// Give up opening after so many milliseconds; 0: never
    #[arg(long, value_name = "MS", default_value = "30000", value_parser = milliseconds)]
    pub(crate) wait: Duration,
    /// The command, and its arguments
    #[arg(value_name = "CMD", required = true, last = true, num_args = 1..)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// What `open` takes.
#[derive(Args, Debug)]
pub(crate) struct OpenArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) roaming: Roaming,
    /// Count an offer that is not answered for so long as ignored, and a trial as rejected
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub(crate) answer_within: Option<Duration>,
    /// Let the shell command CMD decide each trial: status 0 accepts it, any other rejects it
    ///
    /// CMD runs while both links are up. It finds the interface to try in NETSESSION_INTERFACE, its index in
    /// NETSESSION_INTERFACE_INDEX, its addresses in NETSESSION_ADDRESSES, the member in NETSESSION_CANDIDATE, the
    /// configuration in NETSESSION_CONFIGURATION, and in NETSESSION_LACKS what the member lacks. Nobody can bind
    /// the sockets of another program: CMD must bind its own, which needs no privilege (curl --interface, ping -I,
    /// SO_BINDTODEVICE). Its output goes to standard error. It is killed when the trial ends without it; an answer
    /// that is typed goes first.
    #[arg(long, value_name = "CMD")]
    pub(crate) check: Option<String>,
    #[command(flatten)]
    pub(crate) file: ConfigurationFile,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `why` takes.
#[derive(Args, Debug)]
pub(crate) struct WhyArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) preference: Preference,
    /// Look into the recorded run FILE, and not at this machine; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["members", "hold_off", "file", "trace"])]
    pub(crate) from: Option<PathBuf>,
    /// Look at the recorded run as it stood so many seconds after its beginning: 12.5
    #[arg(long, value_name = "SECONDS", requires = "from", value_parser = seconds)]
    pub(crate) at: Option<Instant>,
    #[command(flatten)]
    pub(crate) file: ConfigurationFile,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `demo` and `sim` take.
#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// Draw the timeline into FILE, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `replay` takes.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// The trace; - reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Tell it to a person: a timeline with a row per event
    #[arg(long, conflicts_with = "json")]
    pub(crate) explain: bool,
    /// Draw it as a timeline into OUT, one page for a browser; - writes to standard output
    #[arg(long, value_name = "OUT", conflicts_with_all = ["json", "explain"])]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `config` takes.
#[derive(Args, Debug)]
pub(crate) struct ConfigArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// The commands of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Says what is wrong with a file: line, column, and what was meant
    ///
    /// Reads FILE, or the one that holds, and prints each fault as FILE:LINE:COLUMN: with what is wrong and what was
    /// meant; then status 78. If nothing is wrong with it, it is compared with the interfaces of this machine: what
    /// could not be started ends with status 78 too, and what works, but perhaps not as it is meant, such as two tables
    /// for one interface, is a warning on standard error and status 0.
    #[command(after_help = "Example:\n  netsession config check ./netsession.toml")]
    Check {
        /// The file; without it the one that holds
        #[arg(value_name = "FILE", conflicts_with = "file")]
        checked: Option<PathBuf>,
        /// Take warnings for faults: status 78
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        file: ConfigurationFile,
    },
    /// Shows what is in force, defaults included, and where it comes from
    #[command(after_help = "Example:\n  netsession config show")]
    Show(ConfigurationFile),
    /// Prints a file in which everything is explained and nothing said
    #[command(after_help = "Example:\n  netsession config example > netsession.toml")]
    Example,
}

/// What `diagram` takes.
#[derive(Args, Debug)]
pub(crate) struct DiagramArguments {
    /// The language to draw in
    #[arg(long, value_enum, default_value_t = DiagramFormat::Mermaid)]
    pub(crate) format: DiagramFormat,
    /// What to draw
    #[arg(long, value_enum, default_value_t = DiagramSubject::Session)]
    pub(crate) of: DiagramSubject,
}

/// A language for pictures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DiagramFormat {
    /// For Mermaid, which code hosts draw
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture that stands alone
    Svg,
}

/// What can be drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DiagramSubject {
    /// The states of a session on an access point
    Session,
    /// The steps of roaming
    Roaming,
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

/// Decimals are read without a float.
fn seconds(text: &str) -> Result<Instant, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let nanoseconds = format!("{part:0<9}").parse().ok().filter(|_| part.len() <= 9 && is_number(part));
    let whole = whole.parse().ok().filter(|_| is_number(whole));
    let at = whole.zip(nanoseconds).map(|(whole, nanoseconds)| Duration::new(whole, nanoseconds));
    at.map(|at| Instant::ZERO + at)
        .ok_or_else(|| "expected seconds with at most nine decimals, such as 12.5".to_owned())
}

/// Signals that can tell a program something, by name, with or without SIG.
fn signal(text: &str) -> Result<Signal, String> {
    let known = [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("ALRM", Signal::ALARM),
        ("TERM", Signal::TERM),
        ("CONT", Signal::CONT),
        ("URG", Signal::URG),
        ("WINCH", Signal::WINCH),
    ];
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, signal)| *signal).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_command_keeps_its_own_options() {
        let arguments =
            Arguments::try_parse_from(["netsession", "run", "eth0", "--wait", "5", "--", "ls", "--json"]);
        let Command::Run(run) = arguments.unwrap().command else { panic!("not run") };
        assert_eq!(run.command, ["ls", "--json"]);
        assert_eq!(run.wait, Duration::from_millis(5));
        assert!(!run.common.json);
    }

    #[test]
    fn seconds_are_read_exactly() {
        for (text, expected) in [("12.5", 12_500_000_000), ("0", 0), ("0.000000001", 1)] {
            assert_eq!(seconds(text), Ok(Instant::from_nanos(expected)), "{text}");
        }
        for bad in ["", ".", "3.", "-1", "+1", "1,5", "1e3", "1.0000000001", "1.5s", "99999999999999999999"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(signal("USR1"), Ok(Signal::USR1));
        assert_eq!(signal("SIGHUP"), Ok(Signal::HUP));
        assert!(signal("KILL").unwrap_err().contains("WINCH"));
    }
}
