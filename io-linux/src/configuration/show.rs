//! A configuration as the text of a file: what is in force, with nothing left out.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::check::{NETWORK_MANAGER, SPANS};
use super::matching::{Ignored, Pattern};
use super::{AccessPoint, Addresses, Configuration, ServiceNetwork};

/// The lines of a text.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: impl Display) {
        // A string takes everything.
        let _ = writeln!(self.0, "{line}");
    }

    fn table(&mut self, kind: &str, id: &str) {
        let is_bare =
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let id = if is_bare { id.to_owned() } else { quoted(id) };
        self.line(format_args!("\n[{kind}.{id}]"));
    }

    fn value(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(format_args!("{key} = {value}"));
        }
    }

    fn text(&mut self, key: &str, value: Option<impl AsRef<str>>) {
        self.value(key, value.map(|value| quoted(value.as_ref())));
    }

    fn texts(&mut self, key: &str, values: impl IntoIterator<Item = impl ToString>) {
        let values: Vec<String> = values.into_iter().map(|value| quoted(&value.to_string())).collect();
        self.line(format_args!("{key} = [{}]", values.join(", ")));
    }

    fn milliseconds(&mut self, key: &str, span: Option<Duration>) {
        self.value(key, span.map(|span| span.as_millis()));
    }
}

pub(super) fn configuration(configuration: &Configuration) -> String {
    let mut page = Page::default();
    driver(&mut page, configuration);
    ignored(&mut page, &configuration.ignored);
    configuration.access_points.iter().for_each(|it| access_point(&mut page, it));
    configuration.service_networks.iter().for_each(|it| service_network(&mut page, it));
    page.0
}

fn driver(page: &mut Page, configuration: &Configuration) {
    let mut config = configuration.driver.clone();
    page.line("[driver]");
    for (key, place) in SPANS {
        page.milliseconds(key, Some(*place(&mut config)));
    }
    page.value("give_up_after", Some(config.give_up_after));
    page.value(NETWORK_MANAGER, Some(configuration.network_manager));
    match config.answer_within {
        Some(span) => page.milliseconds("answer_within_ms", Some(span)),
        None => page.line("# answer_within_ms: no limit"),
    }
}

fn ignored(page: &mut Page, ignored: &Ignored) {
    page.line("\n[ignore]");
    page.texts("patterns", ignored.patterns.iter().map(Pattern::as_str));
    page.texts("kinds", &ignored.kinds);
    page.value("defaults", Some(ignored.defaults));
    if ignored.defaults {
        page.line("# by default, unless a table names them:");
        Ignored::default_patterns().iter().for_each(|pattern| page.line(format_args!("#   {pattern}")));
    }
}

fn access_point(page: &mut Page, it: &AccessPoint) {
    page.table("access-point", &it.id);
    let selector = &it.selector;
    page.text("interface", selector.interface.as_deref());
    page.text("pattern", selector.pattern.as_ref().map(Pattern::as_str));
    page.text("mac", selector.mac.as_deref());
    page.text("path", selector.path.as_deref());
    page.text("kind", selector.kind.as_deref());
    page.text("name", it.name.as_ref());
    page.text("bearer", it.bearer.map(|bearer| bearer.word()));
    page.text("purpose", it.purpose.map(|purpose| purpose.word()));
    page.value("metered", it.metered);
    page.text("device", it.device.as_deref());
    page.text("shutdown", Some(it.shutdown.unwrap_or(netsession_core::ShutdownPolicy::OwnedOnly).word()));
    page.milliseconds("connect_timeout_ms", Some(it.connect_timeout.unwrap_or(super::CONNECT_TIMEOUT)));
    page.value("counts_for_online", it.counts_for_online);
    match &it.addresses {
        Addresses::External => page.text("addresses", Some("external")),
        Addresses::Dhcp => page.text("addresses", Some("dhcp")),
        Addresses::Slaac => page.text("addresses", Some("slaac")),
        Addresses::Static { addresses, gateways } => {
            page.text("addresses", Some("static"));
            page.texts("address", addresses);
            page.texts("gateway", gateways);
        }
    }
    page.value("metric", it.metric);
    page.value("watch_carrier", it.watch_carrier);
}

fn service_network(page: &mut Page, it: &ServiceNetwork) {
    page.table("service-network", &it.id);
    page.texts("members", &it.members);
    page.text("name", it.name.as_ref());
    page.text("purpose", it.purpose.map(|purpose| purpose.word()));
    page.milliseconds("connect_timeout_ms", Some(it.connect_timeout.unwrap_or(super::CONNECT_TIMEOUT)));
    page.milliseconds("hold_off_ms", it.hold_off);
    page.milliseconds("retry_after_ms", it.retry_after);
    page.milliseconds("answer_within_ms", it.answer_within);
}

/// What may stand in a file has no control characters, so only these two need care.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
