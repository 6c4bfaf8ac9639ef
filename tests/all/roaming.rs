//! R-ROAM-30 in numbers: what fails, or comes and goes, makes no session move for ever.

use std::time::Duration;

use netsession_core::{
    Config, Effect, Event, Input, Instant, LinkState, Observation, Output, RoamingMode, SessionId,
    SessionState,
};
use netsession_io_sim::{Link, Reaction, Record, World};

const MODES: [RoamingMode; 2] = [RoamingMode::Application, RoamingMode::Forced];

/// A session on a service network of a preferred link and of one that is always up, and an application
/// that always migrates and accepts.
struct Scene {
    world: World,
    session: SessionId,
}

impl Scene {
    fn new(preferred: Link, config: Config, mode: RoamingMode) -> Self {
        let mut world = World::builder()
            .config(config)
            .access_point("preferred", preferred)
            .access_point("steady", Link::new().initially(LinkState::Active))
            .service_network("network", ["preferred", "steady"])
            .build();
        let session = world.session("network");
        world.command(Input::Roaming { session, mode }).unwrap();
        world.open(session);
        assert!(world.is_open(session));
        Self { world, session }
    }

    /// Answers whatever the application is asked.
    fn answer(&mut self) {
        let session = self.session;
        for _ in 0..10 {
            let view = self.world.manager().session(session).unwrap();
            let input = match (view.offer().is_some(), view.candidate().is_some()) {
                (true, _) => Input::Migrate { session },
                (false, true) => Input::Accept { session },
                (false, false) => return,
            };
            self.world.command(input).unwrap();
        }
        panic!("the application is asked for ever\n{}", self.world.log());
    }

    fn pass(&mut self, span: Duration) {
        let until = self.world.now() + span;
        self.answer();
        while self.world.next_at().is_some_and(|at| at <= until) {
            self.world.step();
            self.answer();
        }
        self.world.advance(until.saturating_since(self.world.now()));
    }

    fn observe(&mut self, level: LinkState) {
        self.world.observe(Observation::new("preferred", level));
        self.answer();
    }

    fn outputs(&self) -> impl Iterator<Item = (Instant, &Output)> {
        self.world.records().iter().filter_map(|(at, record)| match record {
            Record::Output(output) => Some((*at, output)),
            Record::Input(_) | Record::Result(_) => None,
        })
    }

    fn count(&self, is_one: impl Fn(&Output) -> bool) -> usize {
        self.outputs().filter(|(_, output)| is_one(output)).count()
    }

    /// How often the session went from one to the other.
    fn moves(&self) -> usize {
        self.count(|output| matches!(output, Output::Event(Event::NewConfigurationActivated { .. })))
    }
}

/// The ways in which a start can fail on a link that looks usable again at once.
fn failing_links() -> [Link; 3] {
    let falls_back = Link::new().start(Reaction::FallsBack);
    [
        Link::new().start(Reaction::Fails(netsession_core::Outcome::Failed)),
        falls_back.clone(),
        // It shows nothing of its own, and is given up when its time is over.
        falls_back.showing_after(Duration::from_secs(1)).settings(|settings| {
            settings.connect_timeout = Some(Duration::from_millis(500));
        }),
    ]
}

/// R-ROAM-43, R-ROAM-30: a member that fails whenever it is started, and looks usable whenever it is stopped,
/// is tried after 30, 60, 120, 240, 480 and 600 s, and no more after the last failure that counts; between
/// two tries nothing is said. What the tries make is a fixed number of events each.
#[test]
fn what_fails_whenever_it_is_started_is_tried_by_the_back_off() {
    const GIVE_UP_AFTER: usize = 8;
    for mode in MODES {
        for link in failing_links() {
            let mut config = Config::default();
            config.give_up_after = GIVE_UP_AFTER as u32;
            let mut scene = Scene::new(link, config, mode);
            scene.pass(Duration::from_secs(24 * 3_600));

            let is_start = |output: &Output| matches!(output, Output::Effect(Effect::Start { .. }));
            let is_failure = |output: &Output| matches!(output, Output::Event(Event::Error { .. }));
            let times = |is_one: &dyn Fn(&Output) -> bool| -> Vec<Instant> {
                scene.outputs().filter(|(_, output)| is_one(output)).map(|(at, _)| at).collect()
            };
            let (starts, failures) = (times(&is_start), times(&is_failure));
            let waits: Vec<_> = core::iter::zip(&starts[1..], &failures)
                .map(|(start, failure)| start.saturating_since(*failure).as_secs())
                .collect();
            assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600], "{mode}\n{}", scene.world.log());
            assert_eq!(failures.len(), GIVE_UP_AFTER);

            let said = |state| {
                scene.count(|output| {
                    matches!(output, Output::Event(Event::StateChanged { state: it, .. }) if *it == state)
                })
            };
            assert_eq!(said(SessionState::Roaming), GIVE_UP_AFTER, "{mode}");
            assert_eq!(said(SessionState::Connected), GIVE_UP_AFTER, "{mode}");
            let offers = scene
                .count(|output| matches!(output, Output::Event(Event::PreferredConfigurationChanged { .. })));
            assert_eq!(offers, if mode == RoamingMode::Application { GIVE_UP_AFTER } else { 0 });
            assert_eq!(scene.moves(), 0);
            assert!(scene.world.is_open(scene.session));
            assert_eq!(scene.world.wake(), None, "it is at rest");
        }
    }
}

/// The link is up for so long, and down for as long, that often: for 60 s.
const HALF_A_FLAP: Duration = Duration::from_millis(100);
const FLAPS: usize = 300;

fn flap(down: LinkState, hold_off: Duration, mode: RoamingMode) -> Scene {
    let mut config = Config::default();
    config.hold_off = hold_off;
    let mut scene = Scene::new(Link::new().initially(LinkState::Defined), config, mode);
    for _ in 0..FLAPS {
        scene.observe(LinkState::Active);
        scene.pass(HALF_A_FLAP);
        scene.observe(down);
        scene.pass(HALF_A_FLAP);
    }
    assert!(scene.world.is_open(scene.session), "the other link is up all the time");
    scene
}

/// R-ROAM-30, R-ROAM-41: what makes a session move is an edge of a link, and each edge at most once: a flap
/// has two. A hold_off that is longer than the link is up leaves none.
#[test]
fn a_flapping_link_moves_a_session_once_an_edge_and_not_at_all_within_hold_off() {
    for mode in MODES {
        let hasty = flap(LinkState::Defined, Duration::ZERO, mode);
        // Without hold_off the session follows the link: that is what it asks for.
        let moves = hasty.moves();
        assert!((FLAPS..=2 * FLAPS).contains(&moves), "{mode}: {moves} moves");
        for hold_off in [HALF_A_FLAP + Duration::from_millis(1), Duration::from_secs(2)] {
            let patient = flap(LinkState::Defined, hold_off, mode);
            assert_eq!(patient.moves(), 0, "{mode}, hold_off {hold_off:?}\n{}", patient.world.log());
        }
    }
}

/// The same with a link that looks startable while it is down. The starts that this tempts to are bounded too:
/// a start is made where the last loss did not refuse the member by failure (R-ROAM-43), which it does
/// whenever our own start did not last for `retry_after`; so no more than one start an edge.
#[test]
fn a_flapping_link_that_looks_startable_is_not_started_more_often_than_it_falls() {
    for mode in MODES {
        for hold_off in [Duration::ZERO, HALF_A_FLAP, Duration::from_secs(2)] {
            let mut scene = flap(LinkState::Discovered, hold_off, mode);
            let starts =
                |scene: &Scene| scene.count(|output| matches!(output, Output::Effect(Effect::Start { .. })));
            let (moves, started) = (scene.moves(), starts(&scene));
            assert!(moves <= 2 * FLAPS, "{mode}, {hold_off:?}: {moves} moves");
            assert!(started <= FLAPS, "{mode}, {hold_off:?}: {started} starts");
            // Left alone it settles on the preferred link, once and for all.
            scene.pass(Duration::from_secs(3_600));
            assert_eq!(scene.world.wake(), None);
            assert!(scene.moves() <= moves + 1, "{mode}, {hold_off:?}");
            let view = scene.world.manager().session(scene.session).unwrap();
            assert_eq!(view.state(), SessionState::Connected);
            assert_eq!(view.active_configuration().map(|id| &**id), Some("preferred"));
        }
    }
}
