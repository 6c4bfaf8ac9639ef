//! `netsession diagram`: the states of the machine as a picture, walked in the machine itself.
//!
//! Nothing here knows what the states are: all that is drawn comes out of an exhaustive search.

mod svg;

use std::fmt::Write;

use netsession_io_sim::explore::diagram::{Arrow, Diagram, Node, Shape};

use super::arguments::{DiagramArguments, DiagramFormat, DiagramSubject};
use super::output::Output;
use super::status::{Failure, Status};

/// Walks a small world, and prints what was seen.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn run(arguments: &DiagramArguments) -> Result<Status, Failure> {
    let diagram = match arguments.of {
        DiagramSubject::Session => Diagram::session(),
        DiagramSubject::Roaming => Diagram::roaming(),
    };
    let text = match arguments.format {
        DiagramFormat::Mermaid => mermaid(&diagram),
        DiagramFormat::Dot => dot(&diagram),
        DiagramFormat::Svg => svg::draw(&diagram),
    };
    Output::new(false).text(text).map(|()| Status::DONE)
}

/// The nodes at the two ends of an arrow.
fn ends<'a>(diagram: &'a Diagram, arrow: &Arrow) -> Option<(&'a Node, &'a Node)> {
    Some((diagram.nodes.get(arrow.from)?, diagram.nodes.get(arrow.to)?))
}

/// A state diagram for Mermaid, which code hosts draw.
fn mermaid(diagram: &Diagram) -> String {
    let identifier = |node: &Node| match node.shape {
        Shape::Start | Shape::End => "[*]".to_owned(),
        Shape::State | Shape::Every => node.name.replace(' ', "_"),
    };
    let mut text = format!("stateDiagram-v2\n    accTitle: {}\n", diagram.title);
    for node in diagram.nodes.iter().filter(|node| node.name.contains(' ')) {
        let _ = writeln!(text, "    state \"{}\" as {}", node.name, identifier(node));
    }
    for arrow in &diagram.arrows {
        let Some((from, to)) = ends(diagram, arrow) else { continue };
        let labels = arrow.labels.join("<br/>");
        let _ = writeln!(text, "    {} --> {}: {labels}", identifier(from), identifier(to));
    }
    text
}

/// A graph for Graphviz.
fn dot(diagram: &Diagram) -> String {
    let mut text = format!(
        "digraph \"{}\" {{\n    rankdir=LR;\n    node [shape=box, style=rounded, fontname=\"sans-serif\"];\n    \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
        diagram.title
    );
    for node in &diagram.nodes {
        let look = match node.shape {
            Shape::State => "",
            Shape::Start => ", penwidth=2",
            Shape::End => ", peripheries=2",
            Shape::Every => ", style=\"rounded,dashed\"",
        };
        let _ = writeln!(text, "    \"{}\" [label=\"{}\"{look}];", node.name, node.name);
    }
    for arrow in &diagram.arrows {
        let Some((from, to)) = ends(diagram, arrow) else { continue };
        // Each line is set flush left.
        let labels: String = arrow.labels.iter().map(|label| format!("{label}\\l")).collect();
        let _ = writeln!(text, "    \"{}\" -> \"{}\" [label=\"{labels}\"];", from.name, to.name);
    }
    text.push_str("}\n");
    text
}
