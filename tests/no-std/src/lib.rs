//! The core in a program without a standard library.
//!
//! It builds if and only if nothing below the core pulls in `std`: two panic handlers cannot live in one
//! program. It is built, never run.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};

use netsession_core::{Input, Instant, Manager, Output};

/// Stands in for an embedded allocator, and has nothing to give.
struct NoMemory;

// SAFETY: a null pointer is the documented way to say that there is no memory, and so nothing is ever freed.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Uses both doors of the machine, so that all of it is compiled and linked.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_is_at_rest(now_ms: u64) -> bool {
    let mut manager = Manager::new();
    let accepted = manager.handle_input(Instant::from_millis(now_ms), Input::Tick {}).is_ok();
    accepted && matches!(manager.poll_output(), Output::Idle { wake: None })
}
