//! What is measured: each scene is a machine made ready once, and a step that leaves it as it found it.
//!
//! A step takes inputs that were made before, hands them in, and drains what comes out, as a driver would.

#![expect(clippy::expect_used, reason = "a bench that cannot be made ready cannot go on")]

use std::time::Duration;

use netsession_core::{
    Add, Capabilities, Effect, Identifier, Input, Instant, Interface, LinkState, Manager, Observation,
    Outcome, Output, RoamingMode, SessionId,
};

/// A machine and its time.
pub(crate) struct Scene {
    pub(crate) manager: Manager,
    now: Instant,
    /// What the platform is asked for last.
    asked: Option<Effect>,
}

/// One session on an access point of its own, beside `others` sessions that have nothing to do with it: open, and
/// spread over 250 access points.
pub(crate) struct Crowd {
    pub(crate) scene: Scene,
    pub(crate) session: SessionId,
}

impl Scene {
    fn new() -> Self {
        Self { manager: Manager::new(), now: Instant::ZERO, asked: None }
    }

    /// Hands in one input and drains what is said of it.
    pub(crate) fn handle(&mut self, input: Input) {
        self.now = self.now + Duration::from_millis(1);
        let _ = self.manager.handle_input(self.now, input);
        loop {
            match self.manager.poll_output() {
                Output::Effect(effect) => self.asked = Some(effect),
                Output::Event(_) => {}
                Output::Idle { .. } => return,
            }
        }
    }

    fn answer(&mut self) {
        if let Some(op) = self.asked.take().as_ref().and_then(Effect::op) {
            self.handle(Input::Completed { op, result: Outcome::Ok, reason: None });
        }
    }

    fn add(&mut self, id: &str, link: LinkState) {
        let mut add = Add::access_point(id);
        add.link = link;
        add.settings.capabilities = Some(Capabilities::all());
        self.handle(Input::Add(add));
    }

    pub(crate) fn session(&mut self, on: &str) -> SessionId {
        self.manager.create_session(self.now, on).expect("a session is made")
    }

    /// `count` sessions, open, on as many of `links` access points as there are.
    pub(crate) fn crowd(&mut self, count: usize, links: usize) {
        for n in 0..links.min(count) {
            self.add(&format!("veth{n}"), LinkState::Active);
        }
        for n in 0..count {
            let session = self.session(&format!("veth{}", n % links));
            self.handle(Input::Open { session });
        }
    }
}

impl Crowd {
    pub(crate) fn new(others: usize) -> Self {
        let mut scene = Scene::new();
        scene.add("eth0", LinkState::Active);
        scene.handle(observed("eth0", LinkState::Active, 0));
        let session = scene.session("eth0");
        scene.handle(Input::Open { session });
        scene.crowd(others, 250);
        Self { scene, session }
    }

    /// So many changes of the address of the link in use.
    pub(crate) fn addresses(count: usize) -> Vec<Input> {
        (0..count).map(|turn| observed("eth0", LinkState::Active, (turn + 1) % 2)).collect()
    }
}

/// One session alone on a link that is down: open, with the start and its answers, and close, with the stop.
pub(crate) fn alone() -> Crowd {
    let mut scene = Scene::new();
    scene.add("eth0", LinkState::Discovered);
    let session = scene.session("eth0");
    Crowd { scene, session }
}

/// The inputs and answers of [`alone`].
pub(crate) fn open_and_close(Crowd { scene, session }: &mut Crowd) {
    scene.handle(Input::Open { session: *session });
    scene.answer();
    scene.handle(Input::Observed(Observation::new("eth0", LinkState::Active)));
    scene.handle(Input::Close { session: *session });
    scene.answer();
    scene.handle(Input::Observed(Observation::new("eth0", LinkState::Discovered)));
}

/// One session on a service network of two, that is asked before it roams.
pub(crate) fn on_two() -> Crowd {
    let mut scene = Scene::new();
    scene.add("eth0", LinkState::Discovered);
    scene.add("wlan0", LinkState::Active);
    scene.handle(Input::Add(Add::service_network(
        "wan",
        [Identifier::from("eth0"), Identifier::from("wlan0")],
    )));
    let session = scene.session("wan");
    scene.handle(Input::Open { session });
    scene.handle(Input::Roaming { session, mode: RoamingMode::Application });
    Crowd { scene, session }
}

/// A whole roam to the other member of [`on_two`] by choice: started, tried, accepted, and the old one stopped.
fn roam(Crowd { scene, session }: &mut Crowd, to: &Identifier, from: &Identifier) {
    scene.handle(Input::MigrateTo { session: *session, member: to.clone() });
    scene.answer();
    scene.handle(Input::Observed(Observation::new(to.clone(), LinkState::Active)));
    scene.handle(Input::Accept { session: *session });
    scene.answer();
    scene.handle(Input::Observed(Observation::new(from.clone(), LinkState::Discovered)));
}

/// A whole roam to each member of [`on_two`].
pub(crate) fn roam_to_and_fro(two: &mut Crowd) {
    let (eth0, wlan0) = (Identifier::from("eth0"), Identifier::from("wlan0"));
    roam(two, &eth0, &wlan0);
    roam(two, &wlan0, &eth0);
}

/// 10 000 sessions, open, on 256 access points.
pub(crate) fn ten_thousand() -> Scene {
    let mut scene = Scene::new();
    scene.crowd(10_000, 256);
    scene
}

fn observed(id: &str, link: LinkState, last: usize) -> Input {
    let address = ["192.0.2.1/24", "192.0.2.2/24"][last].parse().expect("an address");
    Input::Observed(
        Observation::new(id, link).with_interface(Interface::new(2, id).with_addresses(vec![address])),
    )
}
