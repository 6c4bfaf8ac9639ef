//! [`Driver`]: the core on the kernel's links, for one thread.

use std::cell::{Ref, RefCell};
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use netsession_core::{
    Accepted, Add, Config, Event, Identifier, Input, InterfaceAddress, Manager, SessionId,
};

use crate::backend::Backend;
use crate::configuration::Postponed;
use crate::engine::{Attempt, Engine, Observer};
use crate::link_table::Kind;
use crate::rtnetlink::Rtnetlink;
use crate::{Configuration, Error, Lack, Session};

/// Enough for 1 800 link messages while nobody reads. A larger one would make a loss slower to mend:
/// everything queued has to be read first.
const RECEIVE_BUFFER_BYTES: usize = 1024 * 1024;

/// Before all default routes that members get, and most of what others set.
pub(crate) const FOLLOWING_METRIC: u32 = 50;

/// The core, driven by the links of this network namespace. A cheap handle: clones share one driver.
///
/// Whoever holds it makes it run: [`wait`](Self::wait) and [`turn`](Self::turn) in a loop,
/// [`events`](Self::events), or an event loop of its own with [`AsFd`], [`next_deadline`](Self::next_deadline)
/// and `turn`. Nothing is read from the kernel and no deadline is met but inside these calls.
///
/// # Panics
/// A [`Ref`] from [`manager`](Self::manager) must be given back before any other call of the driver or of
/// its sessions, as with every `RefCell`.
#[derive(Clone)]
pub struct Driver {
    shared: Rc<Shared>,
}

struct Shared {
    /// The descriptor of the poll, which can be lent while the engine is in use.
    registry: mio::Registry,
    engine: RefCell<Engine>,
    /// Sessions dropped while somebody looked at the manager.
    dropped: RefCell<Vec<SessionId>>,
}

impl Driver {
    /// A driver for the links of the calling thread's network namespace. Returns when they are known.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Kernel`] if rtnetlink cannot be used.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A driver with settings.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes a session on a configuration, by its identifier. An unknown one gives a null session
    /// (R-ST-5).
    #[must_use]
    pub fn session(&self, configuration: &str) -> Session {
        Session::new(self.clone(), configuration)
    }

    /// The identifier of the one configuration that this is the identifier, the name, the interface name
    /// or an alternative interface name of.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] lists all that fit, [`Error::NotFound`] what exists.
    pub fn find(&self, text: &str) -> Result<Identifier, Error> {
        let engine = self.shared.engine.borrow();
        let manager = engine.manager();
        let mut fits = engine.backend().named(text);
        fits.retain(|id| manager.configuration(id).is_some());
        fits.extend(manager.configuration(text).map(|view| view.id().clone()));
        let named = manager.configurations(None).filter(|view| {
            view.name() == text || view.interface().is_some_and(|interface| interface.name == text)
        });
        fits.extend(named.map(|view| view.id().clone()));
        fits.sort_unstable();
        fits.dedup();
        match fits.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Error::NotFound {
                text: text.to_owned(),
                existing: manager.configurations(None).map(|view| view.id().clone()).collect(),
            }),
            [..] => Err(Error::Ambiguous { text: text.to_owned(), fits }),
        }
    }

    /// Adds a service network of these members, most preferred first.
    ///
    /// # Errors
    /// [`Error::Refused`] if the identifier is empty or taken, or a member is no access point.
    pub fn add_service_network(&self, id: &str, members: &[Identifier]) -> Result<(), Error> {
        self.handle(Input::Add(Add::service_network(id, members.iter().cloned()))).map(drop)
    }

    /// Puts a configuration in place of the one in force. What is different is told to the core as changes, so that
    /// open sessions live on; what a session uses stays as it is until none does, and is changed then. The answer is
    /// what had to wait.
    #[must_use = "what had to wait is to be told"]
    pub fn reconfigure(&self, configuration: Configuration) -> Vec<Postponed> {
        self.shared.engine.borrow_mut().reconfigure(configuration)
    }

    /// The core, for all its views.
    #[must_use]
    pub fn manager(&self) -> Ref<'_, Manager> {
        Ref::map(self.shared.engine.borrow(), Engine::manager)
    }

    /// Says one thing to the core: the plain door, for what has no method here.
    ///
    /// # Errors
    /// [`Error::Refused`] says why nothing changed.
    pub fn handle(&self, input: Input) -> Result<Accepted, Error> {
        self.shared.engine.borrow_mut().handle(input)
    }

    /// Takes in what the kernel has said and meets the deadlines that are due. Never blocks. `true`:
    /// something was left, so that others get their turn; call again.
    ///
    /// # Errors
    /// [`Error::System`] if a socket failed. The driver goes on: it opens new ones after a while, and looks
    /// at everything again.
    pub fn turn(&self) -> Result<bool, Error> {
        let mut engine = self.shared.engine.borrow_mut();
        for session in self.shared.dropped.take() {
            engine.handle(Input::Drop { session })?;
        }
        engine.turn()
    }

    /// Blocks until there is something for [`turn`](Self::turn): a message, the next deadline, the end of
    /// `timeout`, or a signal.
    ///
    /// # Errors
    /// [`Error::System`] if the poll failed.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.shared.engine.borrow_mut().wait(timeout)
    }

    /// When [`turn`](Self::turn) is to be called even if the descriptor is not readable: now, if messages
    /// were left.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.shared.engine.borrow().next_deadline()
    }

    /// The next event, if one waits.
    #[must_use]
    pub fn next_event(&self) -> Option<Event> {
        self.shared.engine.borrow_mut().next_event()
    }

    /// All events from now on, each as soon as it comes. Blocks in between, and never ends.
    #[must_use]
    pub fn events(&self) -> Events {
        Events { driver: self.clone() }
    }

    /// How many times the kernel had to drop notifications because they were not read in time. Each was
    /// mended by a fresh look at everything.
    #[must_use]
    pub fn lost_notifications(&self) -> u64 {
        self.shared.engine.borrow().backend().lost_notifications()
    }

    /// How many times everything was looked at again, for whatever reason.
    #[must_use]
    pub fn resyncs(&self) -> u64 {
        self.shared.engine.borrow().backend().resyncs()
    }

    /// How many events were dropped, oldest first, because the application did not take them.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.shared.engine.borrow().lost_events()
    }

    /// What an access point that is up lacks for traffic that is bound to it, as the kernel's routes and
    /// settings are now. Nothing if it has no addresses. To be called in the network namespace in which the
    /// driver was made.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such access point, [`Error::System`] or [`Error::Kernel`] if the
    /// routes cannot be read.
    pub fn lacks(&self, access_point: &str) -> Result<Vec<Lack>, Error> {
        let engine = self.shared.engine.borrow();
        let Some(view) = engine.manager().configuration(access_point) else {
            let existing = engine.manager().configurations(None).map(|view| view.id().clone()).collect();
            return Err(Error::NotFound { text: access_point.to_owned(), existing });
        };
        view.interface().map_or(Ok(Vec::new()), |interface| engine.backend().lacks(interface))
    }

    /// What the link of an access point is, as the kernel says; `None` if there is none now.
    #[must_use]
    pub fn kind(&self, access_point: &str) -> Option<Kind> {
        self.shared.engine.borrow().backend().kind(access_point)
    }

    pub(crate) fn attempt(&self, session: SessionId) -> Option<Attempt> {
        self.shared.engine.borrow().attempt(session)
    }

    /// One round of a wait that cannot return an error; it is kept for the next turn of the application.
    pub(crate) fn wait_and_turn(&self, timeout: Option<Duration>) {
        let mut engine = self.shared.engine.borrow_mut();
        let result = engine.wait_regardless(timeout).and_then(|()| engine.turn_regardless());
        if let Err(error) = result {
            engine.defer(error);
        }
    }

    pub(crate) fn refresh_counters(&self, session: SessionId) {
        let mut engine = self.shared.engine.borrow_mut();
        if let Err(error) = engine.refresh_counters(session) {
            engine.defer(error);
        }
    }

    /// Drops a session now, or at the next turn if somebody looks at the manager.
    pub(crate) fn drop_session(&self, session: SessionId) {
        match self.shared.engine.try_borrow_mut() {
            // Refused only for a handle that names nothing.
            Ok(mut engine) => drop(engine.handle(Input::Drop { session })),
            Err(_) => self.shared.dropped.borrow_mut().push(session),
        }
    }
}

/// Readable when [`Driver::turn`] has work.
impl AsFd for Driver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.registry.as_fd()
    }
}

/// The same descriptor, for event loops that ask for its number, such as tokio's `AsyncFd`.
impl AsRawFd for Driver {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// Events as an iterator that blocks: see [`Driver::events`].
#[derive(Clone, Debug)]
pub struct Events {
    driver: Driver,
}

impl Iterator for Events {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.driver.next_event() {
                return Some(Ok(event));
            }
            if let Err(error) = self.driver.wait(None).and_then(|()| self.driver.turn()) {
                return Some(Err(error));
            }
        }
    }
}

/// Settings of a [`Driver`].
pub struct Builder {
    receive_buffer_bytes: usize,
    config: Config,
    configuration: Configuration,
    service_networks: Vec<(Identifier, Vec<Identifier>)>,
    addresses: Vec<(String, InterfaceAddress)>,
    gateways: Vec<(String, IpAddr)>,
    leased: Vec<String>,
    followed: Option<(Identifier, u32)>,
    watches_carrier: bool,
    asks_network_manager: bool,
    system_bus: Option<String>,
    observer: Option<Box<dyn Observer>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            receive_buffer_bytes: RECEIVE_BUFFER_BYTES,
            config: Self::default_config(),
            configuration: Configuration::default(),
            service_networks: Vec::new(),
            addresses: Vec::new(),
            gateways: Vec::new(),
            leased: Vec::new(),
            followed: None,
            watches_carrier: true,
            asks_network_manager: true,
            system_bus: None,
            observer: None,
        }
    }
}

impl Builder {
    /// The core's constants with this driver's defaults: upgrades are offered after 2 s, a rescue is waited
    /// for 1 s, and nobody can be asked.
    #[must_use]
    pub fn default_config() -> Config {
        let mut config = Config::default();
        config.hold_off = Duration::from_secs(2);
        config.rescue_grace = Duration::from_secs(1);
        config.can_ask_user = false;
        config
    }

    /// Bytes for notifications that are not read yet; the kernel keeps twice as many. Default 1 MiB.
    #[must_use]
    pub fn receive_buffer_bytes(mut self, bytes: usize) -> Self {
        self.receive_buffer_bytes = bytes;
        self
    }

    /// The core's constants. [`Config::can_ask_user`] is overridden: this driver cannot.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.config.can_ask_user = false;
        self
    }

    /// What a configuration file says. Its constants take the place of those that [`config`](Self::config) has said
    /// before.
    #[must_use]
    pub fn configuration(mut self, configuration: Configuration) -> Self {
        self = self.config(configuration.driver.clone());
        self.configuration = configuration;
        self
    }

    /// A service network from the start, most preferred member first.
    #[must_use]
    pub fn service_network(mut self, id: &str, members: &[Identifier]) -> Self {
        self.service_networks.push((Identifier::from(id), members.to_vec()));
        self
    }

    /// An address that a link gets when it is started, and loses when it is stopped. The link by identifier
    /// or by the name of its interface. The kernel keeps it marked as ours, by protocol 78 (IFA_PROTO, since
    /// Linux 5.18).
    #[must_use]
    pub fn address(mut self, link: &str, address: InterfaceAddress) -> Self {
        self.addresses.push((link.to_owned(), address));
        self
    }

    /// A gateway of a link: the link gets a default route by it when it is started, after its addresses, and
    /// loses it when it is stopped. Its metric is 100 for the most preferred member of a service network and
    /// for a link that is in none, 200 for the next, and so on, or the next that no other link was given; so
    /// traffic that is bound to no link takes the best that is up. The link by identifier or by the name of its interface.
    #[must_use]
    pub fn gateway(mut self, link: &str, gateway: IpAddr) -> Self {
        self.gateways.push((link.to_owned(), gateway));
        self
    }

    /// A link that asks for an address of IPv4 by DHCP when it is started, gets it with a default route by the router
    /// that the server names, and gives both back when it is stopped, as `addresses = "dhcp"` of a configuration file
    /// does: see [`Addresses::Dhcp`](crate::configuration::Addresses::Dhcp). It may get [`address`](Self::address)es
    /// beside that, but then it is up as soon as it has one of them. The link by identifier or by the name of its
    /// interface.
    ///
    /// Needs CAP_NET_RAW beside CAP_NET_ADMIN: without it a start fails, and says so. Only Ethernet can be asked on.
    ///
    /// ```no_run
    /// use netsession_io_linux::{Driver, WaitResult};
    ///
    /// let driver = Driver::builder().dhcp("eth0").build()?;
    /// let session = driver.session(&driver.find("eth0")?);
    /// session.open();
    /// if session.wait_for_opened(30_000) == WaitResult::Opened {
    ///     println!("{:?}", session.interface().map(|interface| interface.addresses));
    /// }
    /// # Ok::<(), netsession_io_linux::Error>(())
    /// ```
    #[must_use]
    pub fn dhcp(mut self, link: &str) -> Self {
        self.leased.push(link.to_owned());
        self
    }

    /// The system's default route follows the session that is open on this configuration: a route of metric
    /// 50, so that it goes before those of the links, and of protocol 78, by which it can be told from others
    /// (`ip route show proto 78`). It is set when the session is open, moved in one step when the session has
    /// moved, and taken away when it is closed. If several sessions are open on it, it follows the first.
    ///
    /// The gateway is that of [`gateway`](Self::gateway), else that of the link's own default route, else none
    /// if the link needs none, such as a tunnel. What fails is told by the next [`Driver::turn`] as
    /// [`Error::DefaultRoute`], once; the session is not touched by it. One that ended without closing its
    /// session leaves the route until its link goes down; the next one takes it over. Needs CAP_NET_ADMIN.
    #[must_use]
    pub fn follow_default_route(mut self, configuration: &str) -> Self {
        self.followed = Some((Identifier::from(configuration), FOLLOWING_METRIC));
        self
    }

    /// While a session is open that could roam to a link that is down, whether the link is brought up without
    /// addresses, so that it shows whether it has carrier (R-ROAM-39); it is down again afterwards. On by default,
    /// where this process has CAP_NET_ADMIN: without it links that are down are taken for usable, and only a start
    /// tells. IPv6 is kept from giving such a link addresses by itself (`addr_gen_mode`); where that cannot be done,
    /// as in most containers, it is not brought up. Others see it come up.
    #[must_use]
    pub fn watch_carrier(mut self, watches: bool) -> Self {
        self.watches_carrier = watches;
        self
    }

    /// Whether NetworkManager is asked which links are metered, if it runs: yes and guess-yes make the
    /// [usage policies](Session::usage_policies) of a link NoBackgroundTraffic, unless the configuration says whether
    /// it is metered. On by default; [`Configuration::network_manager`] turns it off, too. Nothing waits for it, and
    /// whether it is there makes no difference but this: what it says may come after [`build`](Self::build), as a
    /// change. If the connection to the bus is lost what it said is forgotten, and it is looked for again with the
    /// next update of the configurations ([`Input::Update`]) or [`reconfigure`](Driver::reconfigure).
    ///
    /// Without the feature `network-manager`, which is among the default ones, nobody is asked.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), netsession_io_linux::Error> {
    /// let driver = netsession_io_linux::Driver::builder().network_manager(false).build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn network_manager(mut self, is_asked: bool) -> Self {
        self.asks_network_manager = is_asked;
        self
    }

    /// The addresses of the bus on which NetworkManager is, as D-Bus writes them (`unix:path=…`), in place of what
    /// DBUS_SYSTEM_BUS_ADDRESS says in the environment, or /run/dbus/system_bus_socket.
    #[must_use]
    pub fn system_bus(mut self, addresses: &str) -> Self {
        self.system_bus = Some(addresses.to_owned());
        self
    }

    /// Somebody who sees all inputs and outputs.
    #[must_use]
    pub fn observer(mut self, observer: Box<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Opens the sockets and returns when all links are known.
    ///
    /// # Errors
    /// [`Error::System`] or [`Error::Kernel`] if rtnetlink cannot be used, [`Error::Refused`] if a service
    /// network has an identifier that is empty or taken, [`Error::Kernel`] if the default route is to follow
    /// and this process may not move it.
    pub fn build(self) -> Result<Driver, Error> {
        let poll = mio::Poll::new().map_err(|error| Error::system("make a poll (epoll)", error))?;
        let registry = || {
            poll.registry().try_clone().map_err(|error| Error::system("copy the poll's descriptor", error))
        };
        let mut backend = Rtnetlink::new(registry()?, self.receive_buffer_bytes)?;
        for (link, address) in &self.addresses {
            backend.give_address(link, *address);
        }
        for (link, gateway) in &self.gateways {
            backend.give_gateway(link, *gateway);
        }
        for link in &self.leased {
            backend.ask_for_address(link);
        }
        if let Some((_, metric)) = &self.followed {
            backend.prepare_to_follow(*metric)?;
        }
        backend.watch_carrier(self.watches_carrier);
        backend.use_network_manager(self.asks_network_manager, self.system_bus);
        let registry = registry()?;
        let configuration = Rc::new(self.configuration.clone());
        let mut engine = Engine::new(poll, Box::new(backend), self.config, configuration, self.observer)?;
        for postponed in engine.reconfigure(self.configuration) {
            if let Postponed::Refused(_, refused) = postponed {
                return Err(refused.into());
            }
        }
        if let Some((configuration, _)) = self.followed {
            engine.follow_default_route(configuration);
        }
        for (id, members) in self.service_networks {
            engine.handle(Input::Add(Add::service_network(id, members)))?;
        }
        while !engine.has_snapshot() {
            engine.wait(None)?;
            engine.turn()?;
        }
        let shared = Shared { registry, engine: RefCell::new(engine), dropped: RefCell::default() };
        Ok(Driver { shared: Rc::new(shared) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("receive_buffer_bytes", &self.receive_buffer_bytes)
            .field("config", &self.config)
            .field("configuration", &self.configuration)
            .field("service_networks", &self.service_networks)
            .field("addresses", &self.addresses)
            .field("gateways", &self.gateways)
            .field("leased", &self.leased)
            .field("followed", &self.followed)
            .field("watches_carrier", &self.watches_carrier)
            .field("asks_network_manager", &self.asks_network_manager)
            .field("system_bus", &self.system_bus)
            .finish_non_exhaustive()
    }
}
