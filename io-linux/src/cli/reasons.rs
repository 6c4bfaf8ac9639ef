//! Why a session is where it is, member by member, in sentences.

use netsession_core::Manager;
use netsession_core::trace::{Considered, Query, View, answer};

use super::narrate::words;
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
        let reason = sentence(it.because).unwrap_or_else(|| words(it.because));
        format!("  {sign} {:<width$}  {}\n", printable(it.id), styled(style, reason))
    };
    why.iter().map(line).collect()
}

/// What a word of the trace means; `None` for one that is not known here.
fn sentence(because: &str) -> Option<String> {
    let sentence = match because {
        "in_use" => "is in use",
        "best" => "is the best that can be used",
        "less_preferred" => "could be used, but is less preferred",
        "hold_off" => "is better, but has not been usable for long enough yet (--hold-off)",
        "refused_by_application" => {
            "was turned down (ignored, rejected or stopped): not again until it goes away and comes back"
        }
        "refused_by_failure" => {
            "failed lately: it is tried again after a while, or when it comes up by itself"
        }
        "not_available" => "is not in reach",
        "not_startable" => "is down, and cannot be started here: that takes CAP_NET_ADMIN",
        "going_down" => "is going down",
        "device_taken" => "cannot be used while its device carries another",
        "must_break_first" => "is better, but its device would have to leave the one in use first",
        _ => return None,
    };
    Some(sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_trace_has_a_sentence() {
        for word in [
            "in_use",
            "best",
            "less_preferred",
            "hold_off",
            "refused_by_application",
            "refused_by_failure",
            "not_available",
            "not_startable",
            "going_down",
            "device_taken",
            "must_break_first",
        ] {
            assert!(sentence(word).is_some(), "{word}");
        }
        assert_eq!(sentence("phase_of_the_moon"), None);
    }
}
