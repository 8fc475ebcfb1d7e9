//! Where everything lies, and what the processor may touch: page tables that stand before the first line of Rust.
//!
//! The main stack is the lowest page that is mapped of RAM, so that an overflow faults whatever the size of the frame. Faults
//! and interrupts have a stack of their own, with a guard page between the two: the handler of an overflow needs one.
//!
//! | from | what |
//! |---|---|
//! | 0x4000_0000 | nothing: the guard |
//! | 0x4020_0000 | main stack |
//! | 0x4022_0000 | nothing: a guard page |
//! | 0x4022_1000 | stack of faults and interrupts |
//! | 0x4024_0000 | the image: code, constants, statics |

use aarch64_rt::{DEFAULT_MAIR, DEFAULT_SCTLR, DEFAULT_TCR, enable_mmu};

/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 4096;
/// Bytes that an entry of the second level maps.
const BLOCK_BYTES: usize = 2 << 20;
/// Bytes that an entry of the first level maps.
const GIB: usize = 1 << 30;

/// Where RAM begins, and its bytes (`-m 64`).
const RAM: usize = GIB;
const RAM_BYTES: usize = 64 << 20;
/// Where the part of RAM that is mapped begins.
const MAPPED: usize = RAM + BLOCK_BYTES;
/// Where the image begins: the origin in memory.ld.
const IMAGE: usize = 0x4024_0000;

const MAIN_STACK_PAGES: usize = 32;
const FAULT_STACK_PAGES: usize = 8;
/// First address above the main stack.
pub(super) const MAIN_STACK_TOP: usize = MAPPED + MAIN_STACK_PAGES * PAGE_BYTES;
/// First address of the stack of faults and interrupts, a guard page above the main stack.
const FAULT_STACK: usize = MAIN_STACK_TOP + PAGE_BYTES;
/// First address above the stack of faults and interrupts.
pub(super) const FAULT_STACK_TOP: usize = FAULT_STACK + FAULT_STACK_PAGES * PAGE_BYTES;
const _: () = assert!(FAULT_STACK_TOP <= IMAGE, "the stacks reach into the image");

/// What the board needs beside network buffers: stacks and page tables.
pub(crate) const STATE_BYTES: usize =
    (MAIN_STACK_PAGES + FAULT_STACK_PAGES) * PAGE_BYTES + 4 * size_of::<Table>() + PAGE_BYTES;

/// Whether `address` lies in a guard, where only a stack that overflowed leads.
pub(super) fn is_in_guard(address: usize) -> bool {
    (RAM..MAPPED).contains(&address) || (MAIN_STACK_TOP..FAULT_STACK).contains(&address)
}

/// The devices, by the block they lie in: config flash, interrupt controller, virtio slots.
const DEVICE_BLOCKS: [usize; 3] = [super::config_flash::BASE, super::interrupts::GIC_BASE, super::mmio::BASE];

// Descriptor bits of stage 1 at EL1 (Arm ARM, D8.3).
const VALID: usize = 1;
const TABLE_OR_PAGE: usize = 1 << 1;
const MEMORY_ATTRIBUTES: usize = 1 << 2;
const INNER_SHAREABLE: usize = 3 << 8;
const ACCESSED: usize = 1 << 10;
const NEVER_EXECUTED: usize = 1 << 53 | 1 << 54;

const BLOCK_OF_MEMORY: usize = VALID | MEMORY_ATTRIBUTES | INNER_SHAREABLE | ACCESSED;
const PAGE_OF_MEMORY: usize = BLOCK_OF_MEMORY | TABLE_OR_PAGE;
const BLOCK_OF_DEVICES: usize = VALID | ACCESSED | NEVER_EXECUTED;

/// A page table. Entries are pointers, so that the linker can fill in where the next table lies.
#[repr(C, align(4096))]
struct Table([*const Self; 512]);

// SAFETY: nothing reads a table but the processor's own walker, and nothing writes it.
unsafe impl Sync for Table {}

const fn unlinked(descriptor: usize) -> *const Table {
    core::ptr::without_provenance(descriptor)
}

const fn linked(table: &'static Table) -> *const Table {
    core::ptr::from_ref(table).wrapping_byte_add(VALID | TABLE_OR_PAGE)
}

static ROOT: Table = {
    let mut entries = [unlinked(0); 512];
    entries[0] = linked(&DEVICES);
    entries[RAM / GIB] = linked(&BLOCKS);
    Table(entries)
};

static DEVICES: Table = {
    let mut entries = [unlinked(0); 512];
    let mut at = 0;
    while at < DEVICE_BLOCKS.len() {
        let block = DEVICE_BLOCKS[at] / BLOCK_BYTES;
        entries[block] = unlinked((block * BLOCK_BYTES) | BLOCK_OF_DEVICES);
        at += 1;
    }
    Table(entries)
};

static BLOCKS: Table = {
    let mut entries = [unlinked(0); 512];
    entries[(MAPPED - RAM) / BLOCK_BYTES] = linked(&PAGES);
    let mut block = (MAPPED - RAM) / BLOCK_BYTES + 1;
    while block < RAM_BYTES / BLOCK_BYTES {
        entries[block] = unlinked((RAM + block * BLOCK_BYTES) | BLOCK_OF_MEMORY);
        block += 1;
    }
    Table(entries)
};

static PAGES: Table = {
    let mut entries = [unlinked(0); 512];
    let mut page = 0;
    while page < entries.len() {
        let address = MAPPED + page * PAGE_BYTES;
        let is_stack = address < MAIN_STACK_TOP || (address >= FAULT_STACK && address < FAULT_STACK_TOP);
        if is_stack {
            entries[page] = unlinked(address | PAGE_OF_MEMORY | NEVER_EXECUTED);
        } else if address >= IMAGE {
            entries[page] = unlinked(address | PAGE_OF_MEMORY);
        }
        page += 1;
    }
    Table(entries)
};

enable_mmu!(ROOT, DEFAULT_MAIR, DEFAULT_SCTLR, DEFAULT_TCR);
