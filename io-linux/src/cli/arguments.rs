//! The command line: every command, its options, and its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

list, monitor, demo, sim and replay need no privilege. Starting and stopping links needs CAP_NET_ADMIN; a link \
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
    List(Common),
    /// Shows what happens to the network, as it happens
    ///
    /// Shows what there is, and then every change the moment that the kernel tells it. Needs no privilege and no
    /// configuration file. An interrupt is its ordinary end, with status 0. With --json it prints `view` and `out`
    /// lines.
    #[command(after_help = "Example:\n  netsession monitor", after_long_help = after("netsession monitor\n  netsession monitor --json --trace today.jsonl"))]
    Monitor(Common),
    /// Holds an open session while a command runs
    ///
    /// Opens a session on CONFIG, runs CMD, closes the session however CMD ends, and ends as CMD ended. CMD finds
    /// the interface in NETSESSION_INTERFACE and the configuration in NETSESSION_CONFIGURATION. Signals that are
    /// sent to netsession are passed on to CMD. If the link is lost meanwhile, that is said on standard error and
    /// CMD goes on.
    #[command(after_help = "Example:\n  netsession run eth0 -- sh -c 'echo online on $NETSESSION_INTERFACE'")]
    #[command(after_long_help = after(RUN_EXAMPLES))]
    Run(RunArguments),
    /// Opens a session and holds it, showing each event
    ///
    /// Opens a session on CONFIG and shows what the session is told, with the time since the command began. It
    /// closes the session at the end of its input (Ctrl-D) or when it is interrupted (Ctrl-C); a second interrupt
    /// ends it at once. It goes on when the session is lost, so that the loss can be seen.
    #[command(after_help = "Example:\n  netsession open eth0", after_long_help = after("netsession open eth0\n  netsession open office --members eth0,wlan0"))]
    Open(OpenArguments),
    /// Feeds a recorded trace to a fresh core, and compares
    ///
    /// Feeds the `in` and `query` lines of FILE to a fresh core and prints its outputs and views as JSON lines. If
    /// FILE holds `out` lines they are compared: status 0 when all agree, 1 with the first difference when not.
    #[command(after_help = "Example:\n  netsession replay --explain today.jsonl", after_long_help = after(REPLAY_EXAMPLES))]
    Replay(ReplayArguments),
    /// Shows what sessions are, on kernel interfaces of its own; needs no root
    ///
    /// Makes a network namespace of its own with two virtual cables in it, whose far ends are in a second one;
    /// opens sessions, shares a link, pulls a cable, stops a link, and shows who was told what, after how many
    /// microseconds. Where namespaces are not allowed it says what may be the cause, shows the same on the
    /// simulator, and ends with status 77.
    #[command(after_help = "Example:\n  netsession demo", after_long_help = after("netsession demo\n  netsession demo --json"))]
    Demo(Common),
    /// Shows the same on the simulator, anywhere
    ///
    /// Plays the demonstration on simulated links, in virtual time: the same on every machine and in every run.
    #[command(after_help = "Example:\n  netsession sim", after_long_help = after("netsession sim\n  netsession sim --trace story.jsonl && netsession replay --explain story.jsonl"))]
    Sim(Common),
    /// Draws the state machine, as it is walked here and now
    ///
    /// Takes every step in every state of a small world, on the state machine itself, and prints what was seen as
    /// a diagram: the states of a session, or the steps of roaming when the application is asked. An arrow says
    /// what happened and, after a stroke, what the session is told and the platform asked for.
    #[command(after_help = "Example:\n  netsession diagram", after_long_help = after("netsession diagram\n  netsession diagram --of roaming --format svg > roaming.svg"))]
    Diagram(DiagramArguments),
}

const RUN_EXAMPLES: &str = "\
netsession run eth0 -- sh -c 'echo online on $NETSESSION_INTERFACE'
  netsession run office --members eth0,wlan0 --wait 5000 -- rsync -a docs server:";

const REPLAY_EXAMPLES: &str = "\
netsession replay today.jsonl
  netsession replay --explain today.jsonl
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

/// What `run` takes.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) common: Common,
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
    #[command(flatten)]
    pub(crate) common: Common,
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
}
