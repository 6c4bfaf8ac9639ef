//! What `netsession top` draws. It decides nothing: all of it is read from the core, but rates and events.

use std::cell::Ref;
use std::collections::VecDeque;
use std::time::Duration;

use netsession_core::{ConfigurationState, ConfigurationView, Identifier, Manager, SessionState};
use netsession_io_linux::Session;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, RenderDirection, Row, Sparkline, Table, TableState, Wrap};

use super::super::table::printable;
use super::super::{list, narrate};
use super::rates::{Rate, Rates, written};

/// Narrower terminals do without the columns that say where.
const NARROW: u16 = 72;
/// Narrower ones do without those that say what hardly ever changes.
const WIDE: u16 = 120;
const MOST_SESSIONS: usize = 5;

const HELP: &str = "\
↑ ↓  k j   choose a configuration
o          open a session on it
c          close that session
?          show or hide this
Ctrl-L     draw everything anew
Ctrl-Z     stop; fg goes on
q  Ctrl-C  end, and close all sessions";

#[derive(Clone, Copy)]
enum Column {
    Config,
    State,
    Interface,
    Held,
    Received,
    Sent,
    Addresses,
    Type,
    Bearer,
}

impl Column {
    const ALL: [Self; 9] = [
        Self::Config,
        Self::State,
        Self::Received,
        Self::Sent,
        Self::Held,
        Self::Interface,
        Self::Addresses,
        Self::Type,
        Self::Bearer,
    ];

    /// Those for which there is room.
    fn fitting(width: u16) -> &'static [Self] {
        let count = match width {
            0..NARROW => 4,
            NARROW..WIDE => 7,
            WIDE.. => 9,
        };
        Self::ALL.get(..count).unwrap_or(&Self::ALL)
    }

    fn heading(self) -> Line<'static> {
        let (text, is_number) = match self {
            Self::Config => ("CONFIG", false),
            Self::State => ("STATE", false),
            Self::Interface => ("INTERFACE", false),
            Self::Held => ("HELD", true),
            Self::Received => ("RECEIVED", true),
            Self::Sent => ("SENT", true),
            Self::Addresses => ("ADDRESSES", false),
            Self::Type => ("TYPE", false),
            Self::Bearer => ("BEARER", false),
        };
        if is_number { Line::from(text).right_aligned() } else { Line::from(text) }
    }
}

/// What is to be drawn.
pub(super) struct Screen<'a> {
    pub(super) manager: Ref<'a, Manager>,
    pub(super) rates: &'a Rates,
    pub(super) sessions: &'a [Session],
    /// The newest last.
    pub(super) events: &'a VecDeque<String>,
    pub(super) chosen: Option<&'a Identifier>,
    pub(super) interval: Duration,
    pub(super) is_help_shown: bool,
}

impl Screen<'_> {
    /// The configurations, as they are listed.
    pub(super) fn ids(&self) -> Vec<Identifier> {
        self.manager.configurations(None).map(|view| view.id().clone()).collect()
    }

    /// The place of the chosen one; the first if that has gone.
    pub(super) fn chosen_at(&self) -> usize {
        let mut views = self.manager.configurations(None);
        views.position(|view| Some(view.id()) == self.chosen).unwrap_or(0)
    }

    /// The chosen one, unless there is none at all.
    pub(super) fn chosen_id(&self) -> Option<Identifier> {
        self.ids().into_iter().nth(self.chosen_at())
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let sessions = match self.sessions.len() {
            0 => 0,
            some => u16::try_from(some.min(MOST_SESSIONS)).unwrap_or(0) + 1,
        };
        let [head, table, rates, session_area, events] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(3),
            Constraint::Length(5),
            Constraint::Length(sessions),
            Constraint::Fill(2),
        ])
        .areas(frame.area());
        self.draw_head(frame, head);
        self.draw_configurations(frame, table);
        self.draw_rates(frame, rates);
        self.draw_sessions(frame, session_area);
        self.draw_events(frame, events);
        if self.is_help_shown {
            draw_help(frame);
        }
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let online = if self.manager.is_online() { "online".green().bold() } else { "offline".red().bold() };
        let all = self.manager.configurations(None).count();
        let up =
            self.manager.configurations(None).filter(|it| it.state() == ConfigurationState::Active).count();
        let left = Line::from(vec!["netsession ".bold(), online, format!("  {up} of {all} active").into()]);
        let right = format!("counters every {} ms   ? help   q quit", self.interval.as_millis());
        let short = "? help   q quit".to_owned();
        let room = usize::from(area.width).saturating_sub(left.width() + 2);
        let right = [right, short].into_iter().find(|text| text.len() <= room).unwrap_or_default();
        frame.render_widget(left, area);
        frame.render_widget(Line::from(right).dim().right_aligned(), area);
    }

    fn draw_configurations(&self, frame: &mut Frame<'_>, area: Rect) {
        let name_width = self.manager.configurations(None).map(|it| title(&it).chars().count()).max();
        let name_width = u16::try_from(name_width.unwrap_or(0)).unwrap_or(u16::MAX).clamp(6, 24);
        let columns = Column::fitting(area.width);
        let widths = columns.iter().map(|column| match column {
            Column::Config => Constraint::Length(name_width),
            Column::State | Column::Interface => Constraint::Length(10),
            Column::Held => Constraint::Length(4),
            Column::Received | Column::Sent => Constraint::Length(11),
            Column::Addresses => Constraint::Fill(1),
            Column::Type => Constraint::Length(15),
            Column::Bearer => Constraint::Length(9),
        });
        let headings = columns.iter().map(|column| column.heading());
        let rows = self
            .manager
            .configurations(None)
            .map(|view| Row::new(columns.iter().map(|column| self.cell(&view, *column))));
        let table = Table::new(rows, widths)
            .header(Row::new(headings).bold())
            .row_highlight_style(Style::new().reversed())
            .highlight_symbol("> ");
        let mut state = TableState::new().with_selected(self.chosen_at());
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn cell(&self, view: &ConfigurationView<'_>, column: Column) -> Line<'static> {
        let rate = |of: fn(Rate) -> u64| {
            let rate = self.rates.latest(view.id()).map(|rate| written(of(rate)));
            Line::from(rate.unwrap_or_default()).right_aligned()
        };
        let interface = view.interface();
        match column {
            Column::Config => title(view).into(),
            Column::State => Line::from(list::state(view)).fg(colour(view.state())),
            Column::Interface => interface.map_or_else(String::new, |it| printable(&it.name)).into(),
            Column::Held if view.holders() == 0 => Line::default(),
            Column::Held => Line::from(view.holders().to_string()).right_aligned(),
            Column::Received => rate(|rate| rate.0),
            Column::Sent => rate(|rate| rate.1),
            Column::Addresses => list::whereabouts(view).into(),
            Column::Type => narrate::words(view.kind().word()).into(),
            Column::Bearer => view.bearer().map_or("", |bearer| bearer.name()).into(),
        }
    }

    /// The chosen one's rates over time.
    fn draw_rates(&self, frame: &mut Frame<'_>, area: Rect) {
        let views = self.manager.configurations(None).nth(self.chosen_at());
        let Some(view) = views else {
            frame.render_widget("There is no network interface here but loopback.", area);
            return;
        };
        let bearer = view.bearer().map_or(String::new(), |bearer| format!(", {}", bearer.name()));
        let what = format!(" {}: {}{bearer} ", title(&view), narrate::words(view.kind().word()));
        let block = Block::new().borders(ratatui::widgets::Borders::TOP).title(what.bold());
        let [received, sent] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)])
            .spacing(2)
            .areas(block.inner(area));
        frame.render_widget(block, area);
        self.draw_rate(frame, received, view.id(), "received", Color::Green, |rate| rate.0);
        self.draw_rate(frame, sent, view.id(), "sent", Color::Blue, |rate| rate.1);
    }

    fn draw_rate(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        id: &str,
        name: &str,
        colour: Color,
        of: fn(Rate) -> u64,
    ) {
        let [words, line] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        let rates: Vec<u64> = self.rates.newest_first(id).take(usize::from(line.width)).map(of).collect();
        let text = match (rates.first(), rates.iter().max()) {
            (Some(now), Some(most)) => format!("{name} {}, at most {}", written(*now), written(*most)),
            _ => format!("{name}: no counters"),
        };
        frame.render_widget(text, words);
        let sparkline = Sparkline::default().data(rates).direction(RenderDirection::RightToLeft);
        frame.render_widget(sparkline.style(Style::new().fg(colour)), line);
    }

    fn draw_sessions(&self, frame: &mut Frame<'_>, area: Rect) {
        // The last ones, if there are too many: those are in use.
        let hidden = self.sessions.len().saturating_sub(MOST_SESSIONS);
        let lines: Vec<Line<'_>> = self.sessions.iter().skip(hidden).map(session_line).collect();
        let block = Block::new().borders(ratatui::widgets::Borders::TOP).title(" sessions ".bold());
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }

    fn draw_events(&self, frame: &mut Frame<'_>, area: Rect) {
        let block = Block::new().borders(ratatui::widgets::Borders::TOP).title(" last events ".bold());
        let room = usize::from(block.inner(area).height);
        let first = self.events.len().saturating_sub(room);
        let lines: Vec<Line<'_>> =
            self.events.iter().skip(first).map(|event| event.as_str().into()).collect();
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }
}

fn session_line(session: &Session) -> Line<'static> {
    let colour = match session.state() {
        SessionState::Connected => Color::Green,
        SessionState::Connecting | SessionState::Closing | SessionState::Roaming => Color::Yellow,
        SessionState::Invalid | SessionState::NotAvailable | SessionState::Disconnected => Color::Reset,
    };
    let state = if session.is_open() { "open".to_owned() } else { narrate::words(session.state().word()) };
    let place = session.interface().as_ref().map(narrate::interface).unwrap_or_default();
    let error = if session.is_open() { None } else { session.error_string() };
    let error = error.map(|error| format!(": {}", printable(&error))).unwrap_or_default();
    Line::from(vec![
        format!("session {} on {} is ", session.id().number(), printable(&session.configuration())).into(),
        state.fg(colour).bold(),
        format!("{place}{error}").into(),
    ])
}

/// The identifier, and the name if that is another.
fn title(view: &ConfigurationView<'_>) -> String {
    let id = printable(view.id());
    if view.name() == view.id().as_str() { id } else { format!("{id} ({})", printable(view.name())) }
}

const fn colour(state: ConfigurationState) -> Color {
    match state {
        ConfigurationState::Active => Color::Green,
        ConfigurationState::Discovered => Color::Yellow,
        ConfigurationState::Defined | ConfigurationState::Undefined => Color::Reset,
    }
}

fn draw_help(frame: &mut Frame<'_>) {
    let height = u16::try_from(HELP.lines().count()).unwrap_or(0) + 2;
    let area = frame.area().centered(Constraint::Max(48), Constraint::Max(height));
    let help =
        Paragraph::new(HELP).wrap(Wrap { trim: false }).block(Block::bordered().title(" keys ".bold()));
    frame.render_widget(Clear, area);
    frame.render_widget(help, area);
}
