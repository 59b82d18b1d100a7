//! What needs devices: gradients, posteriors, backends, resume.

mod devices;
mod hand;
#[path = "../known/mod.rs"]
mod known;
mod models;
mod parity;
mod plans;
mod posteriors;
mod rows;
mod speed;
mod threads;
#[allow(dead_code)] // The truth tests of the fast suite use all of it.
#[path = "../compiler/world.rs"]
mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the bytes that each thread holds, for the tests of what a run leaves behind.
struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Bytes that this thread allocated and has not freed.
fn held() -> i64 {
    HELD.with(Cell::get)
}

fn count(bytes: i64) {
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// Safety: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
