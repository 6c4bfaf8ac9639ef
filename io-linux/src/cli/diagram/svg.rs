//! The diagram as a picture that stands alone, readable on light and dark ground.
//!
//! States stand where the diagram wants them. For each arrow a few curves and places for its words are tried,
//! and the one that is least in the way of the others is taken. Whole numbers only, so that every machine
//! draws the same.

use std::fmt::Write;

use netsession_io_linux::explain::as_markup;
use netsession_io_sim::explore::diagram::{Arrow, Diagram, Node, Shape};

const COLUMN_PIXELS: i32 = 340;
const ROW_PIXELS: i32 = 230;
const NODE_PIXELS: (i32, i32) = (150, 40);
const LINE_PIXELS: i32 = 15;
/// A generous mean of a letter at this size.
const LETTER_PIXELS: i32 = 7;
const MARGIN_PIXELS: i32 = 20;
/// A line of words is broken where it is longer.
const LONGEST_LINE: usize = 34;
/// How often all arrows are placed anew, each with regard to all others.
const ROUNDS: usize = 4;

const STYLE: &str = "\
svg { --ground: #ffffff; --ink: #1f2328; --line: #59636e; --fill: #eef4ff; }
@media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --ink: #e6edf3; --line: #9198a1; --fill: #16243b; } }
text { fill: var(--ink); font-family: sans-serif; font-size: 12px; }
.name { font-weight: 600; font-size: 13px; text-anchor: middle; dominant-baseline: central; }
.node { fill: var(--fill); stroke: var(--ink); }
.start { stroke-width: 3; }
.every { stroke-dasharray: 5 4; }
.ground { fill: var(--ground); }
.arrow { fill: none; stroke: var(--line); stroke-width: 1.5; marker-end: url(#head); }
.head { fill: var(--line); }";

#[derive(Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Clone, Copy)]
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Area {
    const fn around(middle: Point, width: i32, height: i32) -> Self {
        let (left, top) = (middle.x - width / 2, middle.y - height / 2);
        Self { left, top, right: left + width, bottom: top + height }
    }

    const fn grown(self, by: i32) -> Self {
        Self { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    const fn contains(&self, point: Point) -> bool {
        self.left <= point.x && point.x <= self.right && self.top <= point.y && point.y <= self.bottom
    }

    /// How many pixels both cover.
    fn common(&self, other: &Self) -> i64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        i64::from(width.max(0)) * i64::from(height.max(0))
    }
}

/// A quadratic curve.
#[derive(Clone, Copy)]
struct Curve {
    from: Point,
    control: Point,
    to: Point,
}

impl Curve {
    /// The point after so many hundredths of the way.
    const fn at(&self, hundredths: i32) -> Point {
        let (gone, left) = (hundredths, 100 - hundredths);
        let (a, b, c) = (left * left, 2 * left * gone, gone * gone);
        Point {
            x: (a * self.from.x + b * self.control.x + c * self.to.x) / 10_000,
            y: (a * self.from.y + b * self.control.y + c * self.to.y) / 10_000,
        }
    }

    fn points(&self) -> impl Iterator<Item = Point> + '_ {
        (0..=100).step_by(4).map(|hundredths| self.at(hundredths))
    }

    fn is_near(&self, point: Point) -> bool {
        self.points().any(|own| Area::around(own, 14, 14).contains(point))
    }

    /// The part that lies outside of both of these.
    fn between(&self, first: &Area, last: &Area) -> Self {
        let begin = (0..=100).find(|&at| !first.contains(self.at(at))).unwrap_or(0);
        let end = (0..=100).rev().find(|&at| !last.contains(self.at(at))).unwrap_or(100);
        let mixed = |from: i32, control: i32, to: i32| {
            let (b, e) = (begin, end);
            ((100 - b) * (100 - e) * from + (b * (100 - e) + e * (100 - b)) * control + b * e * to) / 10_000
        };
        let control = Point {
            x: mixed(self.from.x, self.control.x, self.to.x),
            y: mixed(self.from.y, self.control.y, self.to.y),
        };
        Self { from: self.at(begin), control, to: self.at(end) }
    }
}

/// An arrow with its words, placed.
#[derive(Clone)]
struct Placed {
    curve: Curve,
    words: Area,
}

/// Draws it.
pub(super) fn draw(diagram: &Diagram) -> String {
    let nodes: Vec<Area> = diagram.nodes.iter().map(area_of).collect();
    let words: Vec<Vec<String>> = diagram.arrows.iter().map(|arrow| broken(&arrow.labels)).collect();
    let mut placed: Vec<Option<Placed>> = vec![None; diagram.arrows.len()];
    for _ in 0..ROUNDS {
        for (at, (arrow, words)) in diagram.arrows.iter().zip(&words).enumerate() {
            let others: Vec<&Placed> = placed
                .iter()
                .enumerate()
                .filter(|&(other, _)| other != at)
                .filter_map(|(_, it)| it.as_ref())
                .collect();
            let best = candidates(arrow, words, &nodes)
                .min_by_key(|candidate| cost(candidate, arrow, &nodes, &others));
            if let Some(place) = placed.get_mut(at) {
                *place = best.map(|candidate| candidate.placed);
            }
        }
    }
    write(diagram, &nodes, &words, &placed)
}

fn area_of(node: &Node) -> Area {
    let (column, row) = node.place;
    let middle = Point { x: i32::from(column) * COLUMN_PIXELS, y: i32::from(row) * ROW_PIXELS };
    Area::around(middle, NODE_PIXELS.0, NODE_PIXELS.1)
}

const fn middle_of(area: &Area) -> Point {
    Point { x: i32::midpoint(area.left, area.right), y: i32::midpoint(area.top, area.bottom) }
}

/// The lines of a label, none much longer than the limit.
fn broken(labels: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for label in labels {
        let mut line = String::new();
        for word in label.split(' ') {
            if !line.is_empty() && line.len() + word.len() >= LONGEST_LINE {
                lines.push(std::mem::take(&mut line));
                line.push_str("  ");
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// A way to place an arrow, and what speaks against it from the start.
struct Candidate {
    placed: Placed,
    cost: i64,
}

/// Curves to both sides, flat before bent, each with its words near the middle before elsewhere.
fn candidates(arrow: &Arrow, words: &[String], nodes: &[Area]) -> impl Iterator<Item = Candidate> {
    let longest = words.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let width = i32::try_from(longest).unwrap_or(0) * LETTER_PIXELS + 6;
    let height = i32::try_from(words.len()).unwrap_or(0) * LINE_PIXELS + 4;
    curves(arrow, nodes).into_iter().flat_map(move |(curve, bend)| {
        (15..=85).step_by(5).map(move |at| {
            let words = Area::around(curve.at(at), width, height);
            Candidate { placed: Placed { curve, words }, cost: i64::from(bend + 2 * (at - 50).abs()) }
        })
    })
}

fn curves(arrow: &Arrow, nodes: &[Area]) -> Vec<(Curve, i32)> {
    let (Some(first), Some(last)) = (nodes.get(arrow.from), nodes.get(arrow.to)) else { return Vec::new() };
    let (from, to) = (middle_of(first), middle_of(last));
    if arrow.from == arrow.to {
        return loops(first);
    }
    let across = Point { x: from.y - to.y, y: to.x - from.x };
    let length = (across.x * across.x + across.y * across.y).isqrt().max(1);
    let straight = Point { x: i32::midpoint(from.x, to.x), y: i32::midpoint(from.y, to.y) };
    [-60, 60, -120, 120, -200, 200, -300, 300, -420, 420]
        .into_iter()
        .map(|bend: i32| {
            let control =
                Point { x: straight.x + across.x * bend / length, y: straight.y + across.y * bend / length };
            let curve = Curve { from, control, to };
            (curve.between(&first.grown(3), &last.grown(5)), bend.abs() / 2)
        })
        .collect()
}

/// Loops above, below, and at both sides.
fn loops(node: &Area) -> Vec<(Curve, i32)> {
    let middle = middle_of(node);
    let point = |x, y| Point { x, y };
    let level = |y: i32, reach: i32| Curve {
        from: point(middle.x - 30, y),
        control: point(middle.x, y + reach),
        to: point(middle.x + 30, y),
    };
    let upright = |x: i32, reach: i32| Curve {
        from: point(x, middle.y - 10),
        control: point(x + reach, middle.y),
        to: point(x, middle.y + 10),
    };
    vec![
        (level(node.top - 4, -100), 0),
        (level(node.bottom + 4, 100), 0),
        (upright(node.left - 4, -160), 40),
        (upright(node.right + 4, 160), 40),
    ]
}

/// What is in the way: words over states count most, then words over words, curves through states, words
/// over curves, and curves along curves.
fn cost(candidate: &Candidate, arrow: &Arrow, nodes: &[Area], others: &[&Placed]) -> i64 {
    let Placed { curve, words } = &candidate.placed;
    let mut cost = candidate.cost;
    for (at, node) in nodes.iter().enumerate() {
        cost += 50 * words.common(&node.grown(4));
        if at != arrow.from && at != arrow.to {
            cost += 3_000 * curve.points().filter(|&point| node.grown(6).contains(point)).count() as i64;
        }
    }
    for other in others {
        cost += 20 * words.common(&other.words.grown(3));
        cost += 40 * other.curve.points().filter(|&point| words.contains(point)).count() as i64;
        cost += 40 * curve.points().filter(|&point| other.words.contains(point)).count() as i64;
        cost += 60 * curve.points().filter(|&point| other.curve.is_near(point)).count() as i64;
    }
    cost
}

fn write(diagram: &Diagram, nodes: &[Area], words: &[Vec<String>], placed: &[Option<Placed>]) -> String {
    let all = || nodes.iter().copied().chain(placed.iter().flatten().flat_map(covered));
    let left = all().map(|area| area.left).min().unwrap_or(0) - MARGIN_PIXELS;
    let top = all().map(|area| area.top).min().unwrap_or(0) - MARGIN_PIXELS;
    let width = all().map(|area| area.right).max().unwrap_or(0) + MARGIN_PIXELS - left;
    let height = all().map(|area| area.bottom).max().unwrap_or(0) + MARGIN_PIXELS - top;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{left} {top} {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n<defs><marker id=\"head\" \
         viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"head\" d=\"M0 0 L10 5 L0 10 z\"/></marker></defs>\n\
         <rect class=\"ground\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>\n",
        as_markup(diagram.title)
    );
    for Placed { curve: Curve { from, control, to }, .. } in placed.iter().flatten() {
        let _ = writeln!(
            text,
            "<path class=\"arrow\" d=\"M{} {} Q{} {} {} {}\"/>",
            from.x, from.y, control.x, control.y, to.x, to.y
        );
    }
    for (words, placed) in words.iter().zip(placed) {
        if let Some(placed) = placed {
            write_words(&mut text, words, &placed.words);
        }
    }
    for (node, area) in diagram.nodes.iter().zip(nodes) {
        write_node(&mut text, node, area);
    }
    text.push_str("</svg>\n");
    text
}

fn covered(placed: &Placed) -> [Area; 2] {
    let xs = || placed.curve.points().map(|point| point.x);
    let ys = || placed.curve.points().map(|point| point.y);
    let curve = Area {
        left: xs().min().unwrap_or(0),
        top: ys().min().unwrap_or(0),
        right: xs().max().unwrap_or(0),
        bottom: ys().max().unwrap_or(0),
    };
    [placed.words, curve]
}

fn write_words(text: &mut String, words: &[String], area: &Area) {
    let _ = writeln!(text, "{}", rectangle("ground", area, 3));
    let x = area.left + 3;
    for (at, line) in (1..).zip(words) {
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{}\" xml:space=\"preserve\">{}</text>",
            area.top + at * LINE_PIXELS - 2,
            as_markup(line)
        );
    }
}

fn write_node(text: &mut String, node: &Node, area: &Area) {
    let class = match node.shape {
        Shape::State => "node",
        Shape::Start => "node start",
        Shape::Every => "node every",
        Shape::End => {
            let _ = writeln!(text, "{}", rectangle("node", &area.grown(4), 12));
            "node"
        }
    };
    let Point { x, y } = middle_of(area);
    let _ = writeln!(text, "{}", rectangle(class, area, 10));
    let _ = writeln!(text, "<text class=\"name\" x=\"{x}\" y=\"{y}\">{}</text>", as_markup(node.name));
}

fn rectangle(class: &str, area: &Area, rounded: i32) -> String {
    let Area { left, top, right, bottom } = area;
    let (width, height) = (right - left, bottom - top);
    format!(
        "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"{rounded}\"/>"
    )
}
