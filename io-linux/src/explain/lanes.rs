//! What each session and link is in over time, and a picture of that as text: one lane each, one column for each moment at
//! which something changed. Columns are as wide as their words need, so the picture is not to scale.

use std::borrow::Cow;
use std::fmt::Write;

use netsession_core::{
    ConfigurationState, ConfigurationView, Identifier, Instant, LinkState, Manager, SessionState, SessionView,
};

use super::words::escaped;

/// How something stands, whatever its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Up,
    /// A session whose link is up, but that is not open.
    Unused,
    UnderWay,
    Down,
    Roaming,
    Tried,
    Gone,
}

impl Kind {
    /// What a lane of text is drawn with.
    const fn line(self) -> char {
        match self {
            Self::Up => '━',
            Self::Unused => '─',
            Self::UnderWay => '╌',
            Self::Down => '·',
            Self::Roaming => '~',
            Self::Tried => '≈',
            Self::Gone => ' ',
        }
    }
}

/// What a lane shows from some moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub(super) word: Cow<'static, str>,
    pub(super) kind: Kind,
}

impl Look {
    /// A session's: only an open one has the line of a link that may be used. On a service network the word tells
    /// which member it uses, and what it is asked or tries.
    pub(super) fn of_session(view: &SessionView<'_>) -> Self {
        let uses = view.active_configuration().filter(|id| *id != view.configuration());
        let on = uses.map(|id| format!(" on {}", escaped(id))).unwrap_or_default();
        if let Some(candidate) = view.candidate() {
            return Self::new(format!("trial of {}", escaped(candidate.id)), Kind::Tried);
        }
        if let Some(offer) = view.offer() {
            let offered = format!("{} offered", escaped(offer.id));
            let is_up = view.state() == SessionState::Connected;
            return if is_up {
                Self::new(format!("open{on}, {offered}"), Kind::Up)
            } else {
                Self::new(offered, Kind::Roaming)
            };
        }
        if view.is_open() && view.state() == SessionState::Connected {
            return Self::new(format!("open{on}"), Kind::Up);
        }
        let moves_to =
            view.why().into_iter().find(|it| it.chosen && Some(it.id) != view.active_configuration());
        match moves_to {
            Some(to) if view.state() == SessionState::Roaming => {
                Self::new(format!("moving to {}", escaped(to.id)), Kind::Roaming)
            }
            Some(_) | None => Self::of_state(view.state()),
        }
    }

    /// A session's that does not roam and is not open.
    const fn of_state(state: SessionState) -> Self {
        let (word, kind) = match state {
            SessionState::Invalid => ("invalid", Kind::Down),
            SessionState::NotAvailable => ("not available", Kind::Down),
            SessionState::Connecting => ("connecting", Kind::UnderWay),
            SessionState::Connected => ("connected, not open", Kind::Unused),
            SessionState::Closing => ("closing", Kind::UnderWay),
            SessionState::Disconnected => ("disconnected", Kind::Down),
            SessionState::Roaming => ("roaming", Kind::Roaming),
        };
        Self { word: Cow::Borrowed(word), kind }
    }

    const fn new(word: String, kind: Kind) -> Self {
        Self { word: Cow::Owned(word), kind }
    }

    /// A link's.
    pub(super) const fn of_link(link: LinkState) -> Self {
        let (word, kind) = match link {
            LinkState::Undefined => ("undefined", Kind::Down),
            LinkState::Defined => ("defined", Kind::Down),
            LinkState::Discovered => ("discovered", Kind::Down),
            LinkState::Connecting => ("connecting", Kind::UnderWay),
            LinkState::Active => ("active", Kind::Up),
            LinkState::Closing => ("closing", Kind::UnderWay),
        };
        Self { word: Cow::Borrowed(word), kind }
    }

    /// A link's or a service network's; the word of one that is up tells the members that are.
    pub(super) fn of_configuration(manager: &Manager, view: &ConfigurationView<'_>) -> Self {
        if let Some(link) = view.link() {
            return Self::of_link(link);
        }
        let (word, kind) = match view.state() {
            ConfigurationState::Undefined => ("undefined", Kind::Down),
            ConfigurationState::Defined => ("defined", Kind::Down),
            ConfigurationState::Discovered => ("discovered", Kind::Down),
            ConfigurationState::Active => {
                let is_up = |id: &&Identifier| {
                    manager.configuration(id).and_then(|it| it.link()) == Some(LinkState::Active)
                };
                let up: Vec<_> = view.members().filter(is_up).map(|id| escaped(id)).collect();
                return Self::new(format!("active by {}", up.join(", ")), Kind::Up);
            }
        };
        Self { word: Cow::Borrowed(word), kind }
    }

    /// Of something that is no more.
    pub(super) const GONE: Self = Self { word: Cow::Borrowed("gone"), kind: Kind::Gone };
}

/// The picture, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    columns: Vec<Instant>,
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    label: String,
    // Each with the column in which it begins.
    looks: Vec<(usize, Look)>,
}

impl Lanes {
    /// Begins an empty lane, and gives its index.
    pub(super) fn add(&mut self, label: String) -> usize {
        self.lanes.push(Lane { label, looks: Vec::new() });
        self.lanes.len() - 1
    }

    /// Notes what a lane shows from `at` on, if that is new.
    pub(super) fn note(&mut self, lane: usize, at: Instant, look: Look) {
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        if lane.looks.last().is_some_and(|(_, latest)| *latest == look) {
            return;
        }
        if self.columns.last() != Some(&at) {
            self.columns.push(at);
        }
        let column = self.columns.len() - 1;
        // Of several looks at one moment the last stands.
        lane.looks.pop_if(|(begun, _)| *begun == column);
        if lane.looks.last().is_none_or(|(_, latest)| *latest != look) {
            lane.looks.push((column, look));
        }
    }

    /// The picture, in as many blocks as fit into `width` characters.
    pub(super) fn draw(&self, width: usize) -> String {
        let label_width = self.lanes.iter().map(|lane| lane.label.chars().count()).max().unwrap_or(0);
        let mut blocks = Vec::new();
        let mut first = 0;
        while first < self.columns.len() {
            let mut after = first + 1;
            let mut used = label_width + 2 + self.column_width(first, first);
            while after < self.columns.len() && used + self.column_width(after, first) <= width {
                used += self.column_width(after, first);
                after += 1;
            }
            blocks.push(self.draw_block(label_width, first, after));
            first = after;
        }
        blocks.join("\n")
    }

    fn column_width(&self, column: usize, first: usize) -> usize {
        let words = self.lanes.iter().filter_map(|lane| lane.word(column, first));
        let longest = words.map(|word| word.chars().count() + 3).max().unwrap_or(0);
        longest.max(self.time(column).len()) + 2
    }

    fn time(&self, column: usize) -> String {
        self.columns.get(column).map(Instant::to_string).unwrap_or_default()
    }

    fn draw_block(&self, label_width: usize, first: usize, after: usize) -> String {
        let mut text = " ".repeat(label_width + 2);
        for column in first..after {
            let _ = write!(text, "{:<1$}", self.time(column), self.column_width(column, first));
        }
        let mut text = text.trim_end().to_owned() + "\n";
        for lane in &self.lanes {
            let mut row = format!("{:<label_width$}  ", lane.label);
            for column in first..after {
                row += &lane.cell(column, first, self.column_width(column, first));
            }
            text += row.trim_end();
            text.push('\n');
        }
        text
    }
}

impl Lane {
    fn look(&self, column: usize) -> Option<&(usize, Look)> {
        let begun = self.looks.partition_point(|(begun, _)| *begun <= column);
        self.looks.get(begun.checked_sub(1)?)
    }

    /// The word in a column: what begins there, and in the first of a block what goes on there.
    fn word(&self, column: usize, first: usize) -> Option<&str> {
        let (begun, look) = self.look(column)?;
        let goes_on = column == first && *look != Look::GONE;
        (*begun == column || goes_on).then_some(&*look.word)
    }

    fn cell(&self, column: usize, first: usize, width: usize) -> String {
        let Some((begun, look)) = self.look(column) else { return " ".repeat(width) };
        let mut cell = match self.word(column, first) {
            Some(word) if *begun == column => format!("├ {word} "),
            Some(word) => format!("{} {word} ", look.kind.line()),
            None => String::new(),
        };
        let missing = width.saturating_sub(cell.chars().count());
        cell.extend(std::iter::repeat_n(look.kind.line(), missing));
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Lanes {
        let mut lanes = Lanes::default();
        let at = Instant::from_millis;
        let session = lanes.add("session 1".to_owned());
        let link = lanes.add("eth0".to_owned());
        lanes.note(link, at(0), Look::of_link(LinkState::Discovered));
        lanes.note(session, at(0), Look::of_state(SessionState::Disconnected));
        lanes.note(session, at(0), Look::of_state(SessionState::Connecting));
        lanes.note(session, at(5), Look::of_state(SessionState::Connecting));
        lanes.note(link, at(12_000), Look::of_link(LinkState::Active));
        lanes.note(session, at(12_000), Look::new("open".to_owned(), Kind::Up));
        lanes.note(session, at(12_500), Look::GONE);
        lanes
    }

    #[test]
    fn a_lane_shows_each_change_in_its_column() {
        let expected = "           \
                                   0              12000      12500\n\
                        session 1  ├ connecting ╌╌├ open ━━━━├ gone\n\
                        eth0       ├ discovered ··├ active ━━━━━━━━━━━\n";
        assert_eq!(picture().draw(100), expected);
    }

    #[test]
    fn a_narrow_picture_goes_on_below_and_repeats_the_words() {
        let expected = "           \
                                   0\n\
                        session 1  ├ connecting ╌╌\n\
                        eth0       ├ discovered ··\n\
                        \n           \
                                   12000      12500\n\
                        session 1  ├ open ━━━━├ gone\n\
                        eth0       ├ active ━━━━━━━━━━━\n";
        assert_eq!(picture().draw(32), expected);
        assert_eq!(picture().draw(0).matches("━ active").count(), 1, "{}", picture().draw(0));
    }

    #[test]
    fn every_state_has_a_look_of_its_own() {
        let looks: Vec<_> = SessionState::ALL.iter().map(|state| Look::of_state(*state)).collect();
        for (at, look) in looks.iter().enumerate() {
            assert!(!looks[..at].contains(look), "{look:?}");
        }
    }
}
