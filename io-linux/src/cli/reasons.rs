//! Why a session is where it is, member by member, in sentences.

use netsession_core::trace::{Query, View, answer};
use netsession_core::{Because, Considered, Manager};

use super::output::{FAINT, GOOD, styled};
use super::table::printable;

/// The members that a choice was made from, a line each: which was chosen, and why each other was not.
pub(crate) fn members(manager: &Manager, query: &Query) -> String {
    match answer(manager, query) {
        Ok(View::Why { why }) if why.is_empty() => "  there is nothing to choose from\n".to_owned(),
        Ok(View::Why { why }) => table(&why),
        Ok(View::Session(_) | View::Configuration(_) | View::Manager(_)) => String::new(),
        Err(refused) => format!("  {refused}\n"),
    }
}

fn table(why: &[Considered<'_>]) -> String {
    let width = why.iter().map(|it| printable(it.id).chars().count()).max().unwrap_or(0);
    let line = |it: &Considered<'_>| {
        let (sign, style) = if it.chosen { ("→", GOOD) } else { (" ", FAINT) };
        format!("  {sign} {:<width$}  {}\n", printable(it.id), styled(style, sentence(it.because)))
    };
    why.iter().map(line).collect()
}

const fn sentence(because: Because) -> &'static str {
    match because {
        Because::InUse => "is in use",
        Because::Best => "is the best that can be used",
        Because::LessPreferred => "could be used, but is less preferred",
        Because::HoldOff => "is better, but has not been usable for long enough yet (--hold-off)",
        Because::RefusedByApplication => {
            "was turned down (ignored, rejected or stopped): not again until it goes away and comes back"
        }
        Because::RefusedByFailure => {
            "failed lately: it is tried again after a while, or when it comes up by itself"
        }
        Because::NotAvailable => "is not in reach",
        Because::NotStartable => "is down, and cannot be started here: that takes CAP_NET_ADMIN",
        Because::GoingDown => "is going down",
        Because::DeviceTaken => "cannot be used while its device carries another",
        Because::MustBreakFirst => "is better, but the one in use would have to go down first",
    }
}
