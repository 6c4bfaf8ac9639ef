//! The commands, a module each, and what they share.
//!
//! | module | room for |
//! |---|---|
//! | `arguments` | the command line and its help |
//! | `status` | exit statuses, and failures on their way to them |
//! | `output`, `table`, `narrate`, `reasons` | what people and scripts read |
//! | `journal` | a run of the core as it goes: the trace file, and the lines of `--json` |
//! | `signals`, `lines`, `host` | waiting for everything at once: events, signals, input, a reader that goes away |
//! | `dialogue`, `check` | what a session asks while it roams, and what a person or a command answers |
//! | `config` | the configuration file: finding it, reading it again, and the command `config` |
//! | `notify` | telling a service manager that a command is ready, and how it stands |
//! | `news` | telling the command of `run` that its session has moved |
//! | `list` … `why` | the commands; what `top` draws stands in modules below it |

mod arguments;
mod check;
mod config;
mod demo;
mod diagram;
mod dialogue;
mod host;
mod journal;
mod lines;
mod list;
mod monitor;
mod narrate;
mod news;
mod notify;
mod open;
mod output;
mod reasons;
mod replay;
mod run;
mod signals;
mod status;
mod table;
mod top;
mod why;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Arguments, Command};
use self::status::{Failure, Status};

/// Does what the command line says, and tells how it went.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help goes to standard output; where nobody reads it there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Status::USAGE } else { Status::DONE }.into();
        }
    };
    let ended = match arguments.command {
        Command::List(here) => list::run(&here),
        Command::Monitor(here) => monitor::run(&here),
        Command::Top(arguments) => top::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Open(arguments) => open::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Diagram(arguments) => diagram::run(&arguments),
        Command::Demo(arguments) => demo::on_the_kernel(&arguments),
        Command::Sim(arguments) => demo::on_the_simulator(&arguments),
    };
    match ended {
        Ok(status) => status,
        Err(Failure::OutputClosed) => Status::DONE,
        Err(Failure::Told { status, message }) => {
            complain(&message);
            status
        }
    }
    .into()
}

/// Tells the user what is wrong. Where standard error cannot be written there is nobody to tell.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "netsession: {message}");
}
