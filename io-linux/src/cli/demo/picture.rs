//! The story as a picture: time goes down, one lane for each link and each session, one row for each thing told.
//!
//! An SVG of its own, without scripts, fonts or links to elsewhere; it follows the reader's choice of light or
//! dark. How wide a lane is says the same as its colour.

use std::fmt::Write;

use netsession_core::{LinkState, Manager, SessionId, SessionState};
use netsession_io_linux::explain::as_markup;

use super::stage::CABLES;
use super::story::PROGRAMS;

const WIDTH: usize = 1260;
const ROW_HEIGHT: usize = 20;
const HEADING_HEIGHT: usize = 36;
/// Room for the title, the legend, and the names of the lanes.
const TOP: usize = 150;
const LEFT: usize = 40;
const LANE_WIDTH: usize = 44;
/// Where the times end, and the text begins.
const TIMES: usize = LEFT + LANES * LANE_WIDTH + 90;
const TEXT: usize = TIMES + 14;
const LANES: usize = CABLES.len() + PROGRAMS.len();

/// Colours as such, not as variables, which not every viewer of pictures knows.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-size:18px;font-weight:600}.heading{font-weight:600}\
.faint,.time{fill:#656d76}.time{font-variant-numeric:tabular-nums;text-anchor:end}.rule{stroke:#d0d7de}\
.page{fill:#fff}.up{fill:#1a7f37}.busy{fill:#bf8700}.down{fill:#8c959f}.roaming{fill:#8250df}.tried{fill:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint,.time{fill:#8d96a0}.rule{stroke:#30363d}\
.page{fill:#0d1117}.up{fill:#3fb950}.busy{fill:#d29922}.down{fill:#6e7681}.roaming{fill:#a371f7}\
.tried{fill:#4493f8}}";

/// What a lane shows: a word, and the kind of thing that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    kind: Kind,
    word: String,
}

/// How a lane is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Down,
    Busy,
    Up,
    Roaming,
    Tried,
}

impl Kind {
    /// Those of the legend, with what they mean.
    const LEGEND: [(Self, &'static str); 5] = [
        (Self::Down, "down, or a session that is not open"),
        (Self::Busy, "on its way up or down"),
        (Self::Up, "up, or open"),
        (Self::Roaming, "asked, or moving"),
        (Self::Tried, "on trial"),
    ];

    /// Its class in the style sheet, and its width.
    const fn drawn(self) -> (&'static str, usize) {
        match self {
            Self::Nothing => ("", 0),
            Self::Down => ("down", 2),
            Self::Busy => ("busy", 6),
            Self::Up => ("up", 14),
            Self::Roaming => ("roaming", 10),
            Self::Tried => ("tried", 18),
        }
    }
}

impl Look {
    /// A link's.
    pub(crate) fn of_link(manager: &Manager, id: &str) -> Self {
        let link = manager.configuration(id).and_then(|it| it.link());
        let kind = match link {
            None => Kind::Nothing,
            Some(LinkState::Undefined | LinkState::Defined | LinkState::Discovered) => Kind::Down,
            Some(LinkState::Connecting | LinkState::Closing) => Kind::Busy,
            Some(LinkState::Active) => Kind::Up,
        };
        Self { kind, word: link.map(|link| link.word().to_owned()).unwrap_or_default() }
    }

    /// A session's.
    pub(crate) fn of_session(manager: &Manager, session: Option<SessionId>) -> Self {
        let Some(view) = session.and_then(|session| manager.session(session)) else {
            return Self { kind: Kind::Nothing, word: String::new() };
        };
        let on = view.active_configuration().map(|id| format!(" on {id}")).unwrap_or_default();
        if let Some(candidate) = view.candidate() {
            return Self { kind: Kind::Tried, word: format!("trial of {}", candidate.id) };
        }
        if let Some(offer) = view.offer() {
            return Self { kind: Kind::Roaming, word: format!("open{on}, {} offered", offer.id) };
        }
        let kind = match view.state() {
            SessionState::Connected if view.is_open() => Kind::Up,
            SessionState::Connecting | SessionState::Closing => Kind::Busy,
            SessionState::Roaming => Kind::Roaming,
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connected
            | SessionState::Disconnected => Kind::Down,
        };
        let open = if kind == Kind::Up { format!("open{on}") } else { view.state().word().replace('_', " ") };
        Self { kind, word: open }
    }
}

/// The picture, as far as the story is told.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    text: String,
    kind: RowKind,
    /// From here on; the same as before where nothing is said.
    looks: Option<Vec<Look>>,
}

#[derive(Debug)]
enum RowKind {
    Heading,
    Event { time: String, is_faint: bool },
    Note,
}

impl Row {
    const fn height(&self) -> usize {
        match self.kind {
            RowKind::Heading => HEADING_HEIGHT,
            RowKind::Event { .. } | RowKind::Note => ROW_HEIGHT,
        }
    }
}

impl Picture {
    /// A step begins.
    pub(crate) fn heading(&mut self, text: &str, looks: Vec<Look>) {
        self.rows.push(Row { text: text.to_owned(), kind: RowKind::Heading, looks: Some(looks) });
    }

    /// A program, or nobody in particular, was told something.
    pub(crate) fn event(&mut self, time: &str, program: Option<&str>, words: &str, looks: Vec<Look>) {
        let words = anstream::adapter::strip_str(words);
        let text = program.map_or_else(|| words.to_string(), |program| format!("{program} {words}"));
        let kind = RowKind::Event { time: time.to_owned(), is_faint: program.is_none() };
        self.rows.push(Row { text, kind, looks: Some(looks) });
    }

    /// What a step comes to.
    pub(crate) fn moral(&mut self, text: &str, looks: Vec<Look>) {
        self.rows.push(Row { text: text.to_owned(), kind: RowKind::Note, looks: Some(looks) });
    }

    /// Something to know about what was told.
    pub(crate) fn note(&mut self, text: &str) {
        self.rows.push(Row { text: text.to_owned(), kind: RowKind::Note, looks: None });
    }

    /// The picture as SVG.
    pub(crate) fn svg(&self, place: &str) -> String {
        let height = TOP + self.rows.iter().map(Row::height).sum::<usize>() + 24;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} \
             {height}\" role=\"img\">\n<title>What sessions are: links shared, lost and changed</title>\n\
             <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
        );
        text(&mut svg, "title", LEFT, 34, "netsession demo");
        for (number, line) in place.lines().enumerate() {
            text(&mut svg, "faint", LEFT, 56 + 18 * number, line);
        }
        legend(&mut svg);
        names(&mut svg);
        self.draw_rows(&mut svg);
        for lane in 0..LANES {
            self.draw_lane(&mut svg, lane);
        }
        svg + "</svg>\n"
    }

    fn draw_rows(&self, svg: &mut String) {
        let mut y = TOP;
        for row in &self.rows {
            let base = y + row.height() - 6;
            match &row.kind {
                RowKind::Heading => {
                    let rule = y + 8;
                    let _ = writeln!(
                        svg,
                        "<path class=\"rule\" d=\"M{LEFT} {rule}H{}\"/>",
                        WIDTH.saturating_sub(LEFT)
                    );
                    text(svg, "heading", TEXT, base, &row.text);
                }
                RowKind::Event { time, is_faint } => {
                    text(svg, "time", TIMES, base, time);
                    text(svg, if *is_faint { "faint" } else { "told" }, TEXT, base, &row.text);
                }
                RowKind::Note => text(svg, "faint", TEXT, base, &row.text),
            }
            y += row.height();
        }
    }

    /// One bar for each time that the lane looked the same.
    fn draw_lane(&self, svg: &mut String, lane: usize) {
        let mut y = TOP;
        let mut begun: Option<(usize, Look)> = None;
        for row in &self.rows {
            let look = row.looks.as_ref().and_then(|looks| looks.get(lane));
            if let Some(look) = look
                && begun.as_ref().is_none_or(|(_, begun)| begun != look)
            {
                // In the middle of the row, where its text stands.
                let here = y + row.height() - ROW_HEIGHT / 2;
                if let Some((from, before)) = begun.replace((here, look.clone())) {
                    bar(svg, lane, from, here, &before);
                }
            }
            y += row.height();
        }
        if let Some((from, look)) = begun {
            bar(svg, lane, from, y, &look);
        }
    }
}

fn bar(svg: &mut String, lane: usize, from: usize, to: usize, look: &Look) {
    let (class, width) = look.kind.drawn();
    if width > 0 && to > from {
        let (x, height) = (middle(lane) - width / 2, to - from);
        let word = as_markup(&format!("{}: {}", lane_name(lane), look.word));
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{from}\" width=\"{width}\" height=\"{height}\" rx=\"1\">\
             <title>{word}</title></rect>"
        );
    }
}

const fn middle(lane: usize) -> usize {
    LEFT + lane * LANE_WIDTH + LANE_WIDTH / 2
}

fn lane_name(lane: usize) -> &'static str {
    let links = CABLES.iter().map(|cable| cable.name);
    links.chain(PROGRAMS.iter().map(|program| program.name)).nth(lane).unwrap_or_default()
}

fn names(svg: &mut String) {
    for lane in 0..LANES {
        let (x, y) = (middle(lane), TOP - 6);
        let name = as_markup(lane_name(lane));
        let _ = writeln!(
            svg,
            "<text class=\"heading\" transform=\"translate({x} {y}) rotate(-40)\">{name}</text>"
        );
    }
}

fn legend(svg: &mut String) {
    for (number, (kind, words)) in Kind::LEGEND.into_iter().enumerate() {
        let (class, width) = kind.drawn();
        let y = 24 + 19 * number;
        let x = TEXT + 400;
        let left = x - 16 - width / 2;
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"15\" rx=\"1\"/>",
            y - 11
        );
        text(svg, "faint", x, y, words);
    }
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, words: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", as_markup(words));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_lane_has_a_bar_for_each_thing_that_it_was() {
        let look = |kind, word: &str| vec![Look { kind, word: word.to_owned() }];
        let mut picture = Picture::default();
        picture.heading("1. a step", look(Kind::Down, "discovered"));
        picture.event("5 µs", Some("mail"), "is <up>", look(Kind::Up, "active"));
        picture.event("7 µs", None, "nothing new", look(Kind::Up, "active"));
        picture.note("and so on");
        let svg = picture.svg("nowhere");
        assert_eq!(svg.matches("<title>cable0: ").count(), 2, "{svg}");
        assert!(svg.contains("<title>cable0: active</title>") && svg.contains("mail is &lt;up&gt;"), "{svg}");
        assert!(svg.contains("prefers-color-scheme:dark") && !svg.contains("is <up>"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        let widths: BTreeSet<usize> = Kind::LEGEND.iter().map(|(kind, _)| kind.drawn().1).collect();
        assert_eq!(widths.len(), Kind::LEGEND.len(), "two kinds look the same without colours");
    }
}
