//! The state diagrams: what the machine walks, what the program prints, and what the README shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use netsession_core::{Effect, Event, SessionState, SessionView};
use netsession_io_sim::explore::diagram::{Diagram, roaming_world};
use netsession_io_sim::explore::{Action, Command, Edge, Exploration};

use super::support::{netsession, run};

const SUBJECTS: [&str; 2] = ["session", "roaming"];

fn printed(arguments: &[&str]) -> String {
    let ended = run(&mut netsession(arguments));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    ended.out
}

#[test]
fn the_readme_shows_what_is_walked_now() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(path).unwrap();
    for subject in SUBJECTS {
        let begin = format!("<!-- begin: netsession diagram --of {subject} -->\n");
        let shown =
            readme.split_once(&begin).and_then(|(_, rest)| rest.split_once("<!-- end -->")).unwrap().0;
        let walked = format!("```mermaid\n{}```\n", printed(&["diagram", "--of", subject]));
        assert!(shown == walked, "the machine has changed; README.md must show, after {begin}{walked}");
    }
}

#[test]
fn every_format_names_every_state_and_is_the_same_each_time() {
    for (subject, diagram) in SUBJECTS.into_iter().zip([Diagram::session(), Diagram::roaming()]) {
        for (format, begin) in [("mermaid", "stateDiagram-v2\n"), ("dot", "digraph "), ("svg", "<svg ")] {
            let arguments = ["diagram", "--of", subject, "--format", format];
            let text = printed(&arguments);
            assert!(text.starts_with(begin), "{text}");
            assert_eq!(text, printed(&arguments));
            for node in &diagram.nodes {
                let is_dot_of_mermaid = format == "mermaid" && matches!(node.name, "Idle" | "Ended");
                assert!(is_dot_of_mermaid || text.contains(node.name), "{format}: no {}", node.name);
            }
            let arrows = diagram.arrows.len();
            let drawn = ["-->", "->", "class=\"arrow\""].map(|arrow| text.matches(arrow).count());
            assert!(drawn.contains(&arrows), "{format}: {drawn:?} of {arrows} arrows");
        }
    }
}

/// The four numbers of each rectangle of a class: left, top, right, bottom.
fn rectangles(svg: &str, class: &str) -> Vec<[i32; 4]> {
    let is_of_class = |line: &&str| line.contains(&format!("<rect class=\"{class}"));
    let number = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse::<i32>().unwrap()
    };
    svg.lines()
        .filter(is_of_class)
        .map(|line| {
            let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| number(line, name));
            [x, y, x + width, y + height]
        })
        .collect()
}

#[test]
fn the_picture_hides_nothing() {
    let covers = |a: &[i32; 4], b: &[i32; 4]| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    for subject in SUBJECTS {
        let svg = printed(&["diagram", "--of", subject, "--format", "svg"]);
        // The first is the ground of all.
        let words = &rectangles(&svg, "ground")[1..];
        let nodes = rectangles(&svg, "node");
        assert!(words.len() > 10 && nodes.len() > 6, "{subject}");
        for (at, area) in words.iter().enumerate() {
            assert!(
                !nodes.iter().any(|node| covers(area, node)),
                "{subject}: words over a state at {area:?}"
            );
            let over = words[..at].iter().find(|other| covers(area, other));
            assert!(over.is_none(), "{subject}: words over words at {area:?} and {over:?}");
        }
        assert!(svg.contains("prefers-color-scheme: dark"));
    }
}

/// What a session is in, as far as the documented diagram has it.
fn is_settled(session: &SessionView<'_>) -> bool {
    session.is_open() && session.state() != SessionState::Roaming && session.offer().is_none()
}

fn is_migrating(session: &SessionView<'_>) -> bool {
    session.state() == SessionState::Roaming && session.offer().is_none() && session.candidate().is_none()
}

fn tells(edge: &Edge<'_>, wanted: impl Fn(&Event) -> bool) -> bool {
    edge.taken.events().any(wanted)
}

fn asks_for(edge: &Edge<'_>, wanted: impl Fn(&Effect) -> bool) -> bool {
    edge.taken.effects().any(wanted)
}

/// Which edges of the documented diagram this one is.
fn documented(edge: &Edge<'_>) -> Vec<&'static str> {
    let (Some(before), Some(after)) = (edge.from.session(0), edge.to.session(0)) else { return Vec::new() };
    let said = |command| edge.step.action == Action::Command(command, 0);
    let stays = before.active_configuration() == after.active_configuration();
    let stops = |id: Option<&netsession_core::Identifier>| {
        asks_for(edge, |effect| matches!(effect, Effect::Stop { id: stopped, .. } if Some(stopped) == id))
    };
    let candidate = before.candidate().map(|candidate| candidate.id);
    let offered = before.offer().map(|offer| offer.id);
    let is_preferred = |event: &Event| matches!(event, Event::PreferredConfigurationChanged { .. });
    let starts = |id| {
        asks_for(edge, |effect| matches!(effect, Effect::Start { id: started, .. } if Some(started) == id))
    };
    let edges = [
        ("preferred", is_settled(&before) && after.offer().is_some() && tells(edge, is_preferred)),
        ("D1", offered.is_some() && said(Command::Ignore) && is_settled(&after) && stays),
        ("D2", offered.is_some() && said(Command::Migrate) && starts(offered) && stays),
        (
            "D3",
            is_migrating(&before)
                && after.candidate().is_some()
                && stays
                && tells(edge, |event| {
                    matches!(event, Event::NewConfigurationActivated { decision_due: true, .. })
                }),
        ),
        (
            "D4",
            candidate.is_some()
                && said(Command::Accept)
                && after.active_configuration() == candidate
                && stops(before.active_configuration()),
        ),
        (
            "D5",
            candidate.is_some() && said(Command::Reject) && is_settled(&after) && stays && stops(candidate),
        ),
    ];
    edges.into_iter().filter(|(_, is_it)| *is_it).map(|(name, _)| name).collect()
}

/// D1, D2, D3, D4, D5: they are walked, and so is the offer that they all begin with.
#[test]
fn the_documented_edges_are_walked() {
    let mut walked = BTreeSet::new();
    let found = roaming_world().explore(100_000, |edge| {
        walked.extend(documented(edge));
        Ok::<(), String>(())
    });
    assert!(found.as_ref().is_ok_and(|Exploration { is_complete, .. }| *is_complete), "{found:?}");
    assert_eq!(walked.into_iter().collect::<Vec<_>>(), ["D1", "D2", "D3", "D4", "D5", "preferred"]);
}
