//! The core in a program without a standard library, run from its beginning to its end.
//!
//! It builds if and only if nothing below the core pulls in `std`: two panic handlers cannot live in one program.
//! The driver in `radio` is what somebody would write for a device of their own. Here stands what such a device
//! brings along: memory, a way to say something, and an end. Status 0 if all went as it should.
#![no_std]
#![no_main]

extern crate alloc;

mod radio;
mod story;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

// Of the C library, which is there to start the program and to print.
#[link(name = "c")]
unsafe extern "C" {
    fn write(descriptor: c_int, bytes: *const c_void, count: usize) -> isize;
    fn abort() -> !;
}

const ARENA_BYTES: usize = 4 * 1024 * 1024;

/// Gives memory from one piece and takes nothing back, as small devices do.
#[repr(align(16))]
struct Arena {
    bytes: UnsafeCell<[u8; ARENA_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: the bytes are only reached by who was given them, and each is given once.
unsafe impl Sync for Arena {}

// SAFETY: what is given lies within the arena, is aligned (the arena is, as far as is promised), and is never given
// again. A null pointer is the documented way to say that there is no more.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let fit = |used: usize| {
            let begin = used.checked_next_multiple_of(layout.align())?;
            begin.checked_add(layout.size()).filter(|end| *end <= ARENA_BYTES && layout.align() <= 16)
        };
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fit) {
            // SAFETY: `fit` has just said that so many bytes lie within the arena from there.
            Ok(used) => unsafe { self.bytes.get().cast::<u8>().add(used.next_multiple_of(layout.align())) },
            Err(_) => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ARENA: Arena = Arena { bytes: UnsafeCell::new([0; ARENA_BYTES]), used: AtomicUsize::new(0) };

fn say(line: &str) {
    // SAFETY: a pointer and a length of one slice; the kernel only reads it. That nobody reads what is said is fine.
    let _ = unsafe { write(1, line.as_ptr().cast(), line.len()) };
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say(&alloc::format!("{info}\n"));
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// The compiler brings `alloc` along as it is for programs that unwind, which asks for this by name. Nothing unwinds
/// here, and nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// Where the C library begins.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    match story::tell(say) {
        Ok(()) => 0,
        Err(wrong) => {
            say(&wrong);
            1
        }
    }
}
