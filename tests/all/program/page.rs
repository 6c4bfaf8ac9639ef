//! The page of `replay --html`, in a browser that can reach nothing.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::browser::Browser;
use super::support::{netsession, run, run_with_input, scratch};
use crate::kernel::namespace;

/// Declares tests that run in a network namespace with nothing but loopback in it.
macro_rules! tests_apart {
    ($(fn $name:ident() $body:block)*) => {$(
        #[test]
        fn $name() {
            fn inside() $body
            namespace::run_apart(concat!(module_path!(), "::", stringify!($name)), inside);
        }
    )*};
}

const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";
const RIGHT: &str = "\u{e014}";
const DOWN: &str = "\u{e015}";

/// The page of a trace.
fn page_of(name: &str, trace: &str) -> PathBuf {
    let page = scratch(name).join("page.html");
    let ended =
        run_with_input(&mut netsession(&["replay", "--html", page.to_str().unwrap(), "-"]), trace.as_bytes());
    assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""));
    page
}

fn story(name: &str) -> PathBuf {
    let folder = scratch(name);
    let (trace, page) = (folder.join("story.jsonl"), folder.join("story.html"));
    assert_eq!(run(&mut netsession(&["sim", "--trace", trace.to_str().unwrap()])).status, Some(0));
    let drawn = run(&mut netsession(&["replay", trace.to_str().unwrap(), "--html", page.to_str().unwrap()]));
    assert_eq!((drawn.status, drawn.out.as_str(), drawn.err.as_str()), (Some(0), "", ""));
    page
}

fn shown(name: &str, page: &Path) -> Option<Browser> {
    let browser = Browser::start(name)?;
    browser.open(page);
    browser.until("document.querySelector('.item')");
    Some(browser)
}

/// Where the middle of the first thing that fits a selector is.
fn middle_of(browser: &Browser, selector: &str) -> (i64, i64) {
    let at = browser.value(&format!(
        "(() => {{ const box = document.querySelector({selector:?}).getBoundingClientRect(); \
         return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)]; }})()"
    ));
    (at[0].as_i64().unwrap(), at[1].as_i64().unwrap())
}

/// From when until when the page shows the run, in microseconds or thousandths of a moment.
fn window(browser: &Browser) -> (i64, i64) {
    let bounds = browser.value("['from', 'to'].map((name) => Math.round(1000 * timeline.dataset[name]))");
    (bounds[0].as_i64().unwrap(), bounds[1].as_i64().unwrap())
}

/// Does something, and waits until the window is another one.
fn moved(browser: &Browser, act: impl FnOnce()) -> (i64, i64) {
    browser.value("before = timeline.dataset.from + ' ' + timeline.dataset.to");
    act();
    browser.until("before !== timeline.dataset.from + ' ' + timeline.dataset.to");
    window(browser)
}

fn assert_spans(window: (i64, i64), expected: i64) {
    let span = window.1 - window.0;
    assert!((span - expected).abs() <= 2 + expected / 1000, "{window:?} is {span} and not {expected}");
}

fn tip(browser: &Browser) -> String {
    browser.until("!tip.hidden");
    browser.value("tip.textContent").as_str().unwrap().to_owned()
}

tests_apart! {
    fn a_story_can_be_zoomed_dragged_and_pointed_at() {
        let Some(browser) = shown("page-story", &story("page-story-trace")) else { return };
        let lanes = browser.value("[...document.querySelectorAll('.lane')].map((it) => it.getAttribute('aria-label'))");
        for lane in ["cable0, access point", "home, service network", "session 5 on \"home\", session"] {
            assert!(lanes.as_array().unwrap().contains(&json!(lane)), "no {lane} in {lanes}");
        }
        // Each thing has words, and the first table row is the first thing that was said.
        assert_eq!(browser.value("[...document.querySelectorAll('.item')].every((it) => it.ariaLabel.length > 5)"), true);
        assert_eq!(browser.value("rows.rows[1].cells[1].textContent"), "cable0");

        browser.point(middle_of(&browser, "[aria-label^='session 5'] .bar.tried"), None);
        assert!(tip(&browser).starts_with("session 5 on \"home\": trial of "), "{}", tip(&browser));
        browser.point(middle_of(&browser, "[aria-label^='fibre'] .mark.asked"), None);
        browser.until("tip.textContent.includes('fibre: ')");

        let whole = window(&browser);
        let middle = middle_of(&browser, ".area");
        let near = moved(&browser, || browser.wheel(middle, -600));
        assert_spans(near, (whole.1 - whole.0) / 4);
        let dragged = moved(&browser, || browser.point(middle, Some((middle.0 - 100, middle.1))));
        assert_spans(dragged, near.1 - near.0);
        assert!(dragged.0 > near.0, "{near:?} {dragged:?}");
        for (button, factor) in [("#in", (1, 2)), ("#out", (2, 1)), ("#earlier", (1, 1)), ("#later", (1, 1))] {
            let before = window(&browser);
            let after = moved(&browser, || drop(browser.value(&format!("document.querySelector('{button}').click()"))));
            assert_spans(after, (before.1 - before.0) * factor.0 / factor.1);
        }
        assert_eq!(moved(&browser, || browser.press("0")), whole);
        let even = moved(&browser, || drop(browser.value("even.click()")));
        let moments = browser.value("JSON.parse(run.textContent).moments.length").as_i64().unwrap();
        assert_spans(even, (moments - 1) * 1040);
        assert_eq!(browser.complaints(), [""; 0]);
    }

    fn keys_alone_reach_everything() {
        let Some(browser) = shown("page-keys", &story("page-keys-trace")) else { return };
        // The buttons, the box, what scrolls, and then one thing of the timeline.
        let mut stops = Vec::new();
        while browser.value("document.activeElement.matches('.item')") != true {
            browser.press(TAB);
            stops.push(browser.value("document.activeElement.id"));
            assert!(stops.len() < 10, "{stops:?}");
        }
        assert_eq!(stops[..6], ["in", "out", "earlier", "later", "whole", "even"], "{stops:?}");
        let first = tip(&browser);
        browser.press(RIGHT);
        let second = tip(&browser);
        browser.press(DOWN);
        let below = tip(&browser);
        assert!(first != second && second != below && first != below, "{first} | {second} | {below}");
        // What has the focus keeps it when the page is drawn anew around it.
        let held = browser.value("document.activeElement.ariaLabel");
        moved(&browser, || browser.press("+"));
        assert_eq!(browser.value("document.activeElement.ariaLabel"), held);
        browser.value("document.querySelector('#out').focus()");
        moved(&browser, || browser.press(ENTER));
        assert_eq!(browser.complaints(), [""; 0]);
    }

    fn it_can_be_read_by_day_and_by_night() {
        let Some(browser) = shown("page-light", &story("page-light-trace")) else { return };
        let look = |scheme: &str| {
            browser.prefer(scheme);
            let of = |selector: &str, name: &str| {
                let style = format!("getComputedStyle(document.querySelector({selector:?})).{name}");
                browser.value(&style).as_str().unwrap().to_owned()
            };
            [of("body", "backgroundColor"), of("body", "color"), of("svg .name", "fill"), of(".bar.up .shape", "fill")]
        };
        let (light, dark) = (look("light"), look("dark"));
        assert_eq!(light[0], "rgb(255, 255, 255)");
        assert!(light.iter().zip(&dark).all(|(light, dark)| light != dark), "{light:?} {dark:?}");
        assert_eq!(light[1], light[2]);
    }

    fn what_a_trace_says_is_never_run() {
        let evil = "<img src=x onerror=window.evil=1></script><script>window.evil=2</script><!--";
        let trace = format!(
            r#"{{"t":0,"in":{{"add":{{"id":"{evil}","type":"access_point","name":"{evil}","link":"active"}}}}}}"#
        );
        let Some(browser) = shown("page-evil", &page_of("page-evil-trace", &trace)) else { return };
        browser.point(middle_of(&browser, ".lane .bar.up"), None);
        assert!(tip(&browser).starts_with(evil), "{}", tip(&browser));
        assert_eq!(browser.value("[window.evil ?? null, document.querySelectorAll('img, body script').length]"), json!([null, 2]));
        assert!(browser.value("document.body.textContent").as_str().unwrap().contains(&format!("name {evil}")));
        assert_eq!(browser.complaints(), [""; 0]);
    }

    fn a_hundred_thousand_lines_and_none_are_drawn_alike() {
        let mut trace = r#"{"t":0,"in":{"add":{"id":"eth0","type":"access_point"}}}"#.to_owned() + "\n";
        for n in 1..100_000 {
            let link = if n % 2 == 0 { "active" } else { "discovered" };
            trace += &format!("{{\"t\":{n}.5,\"in\":{{\"observed\":{{\"id\":\"eth0\",\"link\":\"{link}\"}}}}}}\n");
        }
        let page = page_of("page-long-trace", &trace);
        let Some(browser) = shown("page-long", &page) else { return };
        let drawn = browser.value("document.querySelectorAll('.item').length").as_u64().unwrap();
        assert!(drawn < 500, "{drawn} things are drawn");
        assert!(browser.value("more.textContent").as_str().unwrap().starts_with("and "));
        let middle = middle_of(&browser, ".area");
        for _ in 0..4 {
            moved(&browser, || browser.wheel(middle, -900));
        }
        // Now each stands for itself.
        browser.point(middle_of(&browser, "[aria-label^='eth0'] .bar.up"), None);
        assert!(tip(&browser).starts_with("eth0: active from "), "{}", tip(&browser));
        assert_eq!(browser.value("more.textContent"), "");
        browser.open(&page_of("page-none", ""));
        browser.until("window.summary && summary.textContent.startsWith('0 things')");
        assert_eq!(browser.complaints(), [""; 0]);
    }
}

#[test]
fn a_page_can_go_to_standard_output_and_a_bad_trace_makes_none() {
    let ended = run_with_input(&mut netsession(&["replay", "--html", "-", "-"]), b"");
    assert!(
        ended.status == Some(0)
            && ended.out.starts_with("<!DOCTYPE html>")
            && ended.out.ends_with("</html>\n")
    );
    let page = scratch("page-bad").join("page.html");
    let ended =
        run_with_input(&mut netsession(&["replay", "--html", page.to_str().unwrap(), "-"]), b"nonsense\n");
    assert_eq!((ended.status, ended.out.as_str(), page.exists()), (Some(2), "", false), "{}", ended.err);
    let ended = run_with_input(&mut netsession(&["replay", "--html", "/nonexistent/page", "-"]), b"");
    assert_eq!(ended.status, Some(74), "{}", ended.err);
    assert!(ended.err.contains("/nonexistent/page"), "{}", ended.err);
}
