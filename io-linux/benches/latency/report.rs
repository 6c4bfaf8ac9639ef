//! What many times come to: a table, and a picture of it.

use std::fmt::Write as _;

/// Times of one side for one kind of change, in microseconds, round by round; `None` is a change that was not told.
pub(crate) type Rounds = Vec<Vec<Option<f64>>>;

pub(crate) struct Row {
    pub(crate) side: String,
    pub(crate) summary: Summary,
}

pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    /// Sides that did not run.
    pub(crate) skipped: Vec<String>,
}

#[derive(Clone, Copy)]
pub(crate) struct Summary {
    /// Least, median of the medians of rounds, 99th percentile; nothing if nothing was told.
    pub(crate) times: Option<(f64, f64, f64)>,
    pub(crate) missed: usize,
    pub(crate) asked: usize,
}

pub(crate) fn summarize(rounds: &Rounds) -> Summary {
    let sorted = |times: &mut dyn Iterator<Item = f64>| {
        let mut times: Vec<f64> = times.collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let all = sorted(&mut rounds.iter().flatten().flatten().copied());
    let medians =
        sorted(&mut rounds.iter().filter_map(|round| median(&sorted(&mut round.iter().flatten().copied()))));
    let at = (all.len() * 99).div_ceil(100).saturating_sub(1);
    let times =
        all.first().zip(median(&medians)).zip(all.get(at)).map(|((min, median), p99)| (*min, median, *p99));
    let asked = rounds.iter().map(Vec::len).sum();
    Summary { times, missed: asked - all.len(), asked }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some((sorted.get(middle - 1)? + upper) / 2.0) }
}

/// Three digits are more than such times are worth.
fn time(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.0} µs"),
        us if us < 10_000.0 => format!("{:.2} ms", us / 1e3),
        us if us < 1_000_000.0 => format!("{:.0} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

/// The first row is what the others are compared with.
pub(crate) fn table(panel: &Panel) -> String {
    let mut text = format!(
        "\n### {}\n\n| side | minimum | median | 99th percentile | missed | median / floor | 99th / floor | median - floor |\n\
         |---|---|---|---|---|---|---|---|\n",
        panel.title
    );
    let floor = panel.rows.first().and_then(|row| row.summary.times);
    for Row { side, summary: Summary { times, missed, asked } } in &panel.rows {
        let cells = match (times, floor) {
            (Some((min, median, p99)), Some((_, of, of_p99))) => [
                time(*min),
                time(*median),
                time(*p99),
                format!("{missed} of {asked}"),
                format!("{:.2}", median / of),
                format!("{:.2}", p99 / of_p99),
                format!("{:+.0} µs", median - of),
            ],
            (Some(_) | None, _) => {
                let [a, b, c, d, e, f] = [(); 6].map(|()| "-".to_owned());
                [a, "never".to_owned() + &b.replace('-', ""), c, format!("{missed} of {asked}"), d, e, f]
            }
        };
        let _ = writeln!(text, "| {side} | {} |", cells.join(" | "));
    }
    for skipped in &panel.skipped {
        let _ = writeln!(text, "| {skipped} | skipped | | | | | | |");
    }
    text
}

const LEFT: f64 = 230.0;
const DECADE: f64 = 80.0;
const DECADES: i32 = 6;
const LINE: f64 = 18.0;

/// A panel for each kind; a line from the least time to the 99th percentile, a dot at the median, a decade a step.
pub(crate) fn picture(panels: &[Panel]) -> String {
    let width = LEFT + DECADE * f64::from(DECADES) + 30.0;
    let place = |us: f64| LEFT + DECADE * (us.max(10.0).log10() - 1.0);
    let (mut body, mut y) = (String::new(), 24.0);
    for panel in panels {
        let _ = writeln!(body, "<text x='10' y='{y}' font-weight='bold'>{}</text>", panel.title);
        let bottom = y + LINE * f64::from(u32::try_from(panel.rows.len()).unwrap_or_default()) + 8.0;
        for (decade, name) in (0..).zip(["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s"]) {
            let x = LEFT + DECADE * f64::from(decade);
            let _ = writeln!(
                body,
                "<path d='M{x} {} V{bottom}' stroke='#ddd'/><text x='{x}' y='{y}' fill='#777' text-anchor='middle'>{name}</text>",
                y + 6.0
            );
        }
        for row in &panel.rows {
            y += LINE;
            let _ = writeln!(body, "<text x='10' y='{y}'>{}</text>", row.side);
            let middle = y - 4.0;
            let _ = match row.summary.times {
                Some((min, median, p99)) => writeln!(
                    body,
                    "<path d='M{:.1} {middle} H{:.1}' stroke='#36c' stroke-width='2'/><circle cx='{:.1}' cy='{middle}' r='4' fill='#36c'/>",
                    place(min),
                    place(p99),
                    place(median)
                ),
                None => writeln!(body, "<text x='{LEFT}' y='{y}' fill='#777'>never</text>"),
            };
        }
        y = bottom + 30.0;
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {y}' font-family='sans-serif' font-size='12'>\n\
         <rect width='100%' height='100%' fill='white'/>\n{body}</svg>\n"
    )
}
