//! The first session: open it, use its link, lose it, and see who is told what. On simulated links, so
//! that it runs anywhere: `cargo run -p netsession-io-sim --example first_session`.

use std::time::Duration;

use netsession_io_sim::{Link, World};

fn main() {
    let link = Link::new().taking(Duration::from_millis(400), Duration::from_millis(100));
    let mut world = World::builder().access_point("eth0", link).service_network("office", ["eth0"]).build();

    // Two programs share one link by count: the first brings it up, the second just opens.
    let mail = world.session("office");
    let backup = world.session("eth0");
    world.open(mail);
    world.run_until_idle();
    world.open(backup);
    world.close(backup);
    if let Some(interface) = world.interface(mail) {
        println!("mail is {} on {}\n", world.state(mail), interface.name);
    }

    // Somebody pulls the cable, and plugs it in again.
    world.advance(Duration::from_secs(2));
    world.pull("eth0");
    world.advance(Duration::from_secs(1));
    world.plug("eth0");
    world.run_until_idle();

    println!("All that was said, in milliseconds: < to the machine, = its answer, > from it.");
    print!("{}", world.log());
}
