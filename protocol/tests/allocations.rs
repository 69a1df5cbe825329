//! Checking a text must cost no memory: it is done for every message.
#![expect(unsafe_code, reason = "an allocator that counts has to be one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use godwit_model::{MessageKind, MessageType};
use godwit_protocol::content::check;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(content: &str) -> usize {
    let kind = MessageKind::Published(MessageType::Text);
    let before = ALLOCATIONS.get();
    let checked = check(&kind, content).is_ok();
    let after = ALLOCATIONS.get();
    assert!(checked, "{content}");
    after - before
}

#[test]
fn checking_a_text_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let counted = vec![1_u8; 3];
    assert_eq!(ALLOCATIONS.get() - before, 1, "the counter counts: {counted:?}");
    assert_eq!(allocations_of(r#"{"text":"hi"}"#), 0);
    assert_eq!(
        allocations_of(r#"{"text":"a \"quoted\" \u00e4 word","mentions":["bob"],"silent":true}"#),
        0
    );
}
