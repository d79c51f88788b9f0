//! AMX beside AVX-512 VNNI: `tdpbuud` multiplies a tile of 16 queries by 64 bytes with a tile of 16 rows by the same
//! 64 bytes, unsigned by unsigned, and adds the 256 sums to a tile. Nothing saturates.
//!
//! The instructions are written in assembly, since stable Rust has no names for them; what they touch is memory that is
//! named beside them, and the tile registers, which the compiler never uses. A panel of rows is what VNNI takes: four
//! bytes of each of 32 rows, then the next four; sixteen such steps are two tiles. A panel of queries holds 64 bytes of
//! each of 32 queries, then the next 64: two tiles as well.

use super::avx512vnni::{L1_PANEL_SUM, L1Panel};
pub(in crate::arch) use super::avx512vnni::{
    add_product, chi2_f32, dot_f32, dot_u8, f32_block, first_at_most, gradient_f32, gradient_u8,
    l1_f32, l1_u8, l2_sq_f32, l2_sq_u8, scores_f32, scores_u8,
};
use crate::MatMut;
use crate::arch::panel::{Panel, Sums, panels};
use crate::arch::{Kernel, Layout, PackedSum, U8Block};
use core::arch::asm;
use core::arch::x86_64::*;

/// Queries and rows of a register tile: two tiles of sixteen each.
const SIDE: usize = 32;
/// Vectors of sums of a query.
const VECTORS: usize = 2;
/// Bytes of a query, and of a row, that one product takes.
const DEPTH: usize = 64;
/// Bytes of a step of either panel.
const STEP: usize = SIDE * DEPTH;

/// Palette 1, and for each of the eight tiles 64 bytes in each of 16 rows.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = {
    let mut config = Config {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes: [0; 16],
        rows: [0; 16],
    };
    let mut tile = 0;
    while tile < 8 {
        config.bytes[tile] = DEPTH as u16;
        config.rows[tile] = 16;
        tile += 1;
    }
    config
};

/// Tiles in the shape of [`CONFIG`]; given back in the end, so that the system need not keep them for this thread.
struct Tiles;

impl Tiles {
    /// # Safety
    /// The CPU has AMX-TILE, and the process may use it.
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: AMX is the caller's promise, and the 64 bytes are those of a valid configuration.
        unsafe {
            asm!("ldtilecfg [{config}]", config = in(reg) &raw const CONFIG, options(nostack, readonly));
        }
        Tiles
    }
}

impl Drop for Tiles {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: only `new` makes one, which had AMX.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

const DOT_PANEL_SUM: PackedSum = PackedSum::Dot;

/// Products of bytes, both unsigned. Whoever uses it has [`Tiles`].
struct DotPanel;

impl Panel for DotPanel {
    type Rows = __m512i;
    type Query = __m512i;
    type Acc = __m512i;
    const GROUP: usize = 4;
    const QUERY_GROUP: usize = DEPTH;
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m512i {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { L1Panel::zero() }
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> __m512i {
        // SAFETY: AVX-512 and 64 readable bytes are the caller's promise.
        unsafe { L1Panel::load(from) }
    }
    unsafe fn broadcast(_: *const u8) -> __m512i {
        unreachable!("tiles take all queries at once")
    }
    unsafe fn add(_: __m512i, _: __m512i, _: __m512i) -> __m512i {
        unreachable!("tiles take all queries at once")
    }
    #[inline(always)]
    unsafe fn store(acc: __m512i, to: *mut u32) {
        // SAFETY: AVX-512 and 16 writable numbers are the caller's promise.
        unsafe { L1Panel::store(acc, to) }
    }
    #[inline(always)]
    unsafe fn start(from: *const i32) -> __m512i {
        // SAFETY: AVX-512 and 16 readable numbers are the caller's promise.
        unsafe { L1Panel::start(from) }
    }
    #[inline(always)]
    unsafe fn below(acc: __m512i, bound: i32) -> u16 {
        // SAFETY: AVX-512 is the caller's promise.
        unsafe { L1Panel::below(acc, bound) }
    }
    #[inline(always)]
    unsafe fn sums<const Q: usize, const V: usize, const N: usize>(
        query_panel: &[u8],
        row_panel: &[u8],
        accs: &mut [[__m512i; V]; N],
    ) {
        const { assert!(Q == SIDE && V == VECTORS && N <= Q) };
        // SAFETY: AMX and AVX-512 are the caller's promise; where there are as many queries as a panel has, `accs` is
        // of the size of a tile of all.
        unsafe {
            if N == SIDE {
                return tile::<true>(query_panel, row_panel, accs.as_mut_ptr().cast());
            }
            // Padding is there anyway.
            let mut all = [[Self::zero(); VECTORS]; SIDE];
            for (all, accs) in all.iter_mut().zip(&*accs) {
                all.copy_from_slice(accs);
            }
            tile::<true>(query_panel, row_panel, all.as_mut_ptr().cast());
            for (all, accs) in all.iter().zip(accs) {
                accs.copy_from_slice(all);
            }
        }
    }
    #[inline(always)]
    unsafe fn tile<const Q: usize, const V: usize, const WIDTH: usize>(
        query_panel: &[u8],
        row_panel: &[u8],
        sums: &mut Sums<Q, WIDTH>,
    ) {
        const { assert!(Q == SIDE && WIDTH == SIDE) };
        // SAFETY: AMX is the caller's promise; these are as many sums as a tile has.
        unsafe { tile::<false>(query_panel, row_panel, sums.0.as_mut_ptr().cast()) }
    }
}

/// Asks for four lines of the next step of both panels, from a byte of the step on. Tiles are loaded line by line, and
/// the CPU does not look far enough ahead to hide what each line from the second-level cache takes.
macro_rules! next_step {
    ($from:literal) => {
        concat!(
            next_step!(@line $from, "0"),
            next_step!(@line $from, "64"),
            next_step!(@line $from, "128"),
            next_step!(@line $from, "192"),
        )
    };
    (@line $from:literal, $line:literal) => {
        concat!(
            "prefetcht0 [{rows} + 2048 + ", $from, " + ", $line, "]\n",
            "prefetcht0 [{queries} + 2048 + ", $from, " + ", $line, "]\n",
        )
    };
}

/// The products of a panel of queries and one of rows, added to what is at `sums` where `ADD`.
///
/// # Safety
/// The CPU has AMX-INT8 and the process may use it; [`Tiles`] are there; `sums` points to [`SIDE`] x [`SIDE`] numbers.
#[inline(always)]
unsafe fn tile<const ADD: bool>(
    query_panel: &[u8],
    row_panel: &[u8],
    sums: *mut [[u32; SIDE]; SIDE],
) {
    let steps = row_panel.len() / STEP;
    assert!(query_panel.len() == steps * STEP && row_panel.len() == steps * STEP);
    // SAFETY: AMX is the caller's promise, as is the room for the sums: 32 rows of 128 bytes, four tiles in the
    // corners. Of each panel `steps` times `STEP` bytes are read: two tiles of 16 rows, 64 bytes apart in the queries,
    // where each tile is a kibibyte, and 128 apart in the rows, where the second begins behind the first 64. A
    // prefetch never faults, and may ask for what is behind the last step.
    unsafe {
        if ADD {
            asm!(
                "tileloadd tmm0, [{sums} + 1*{wide}]",
                "tileloadd tmm1, [{sums} + 1*{wide} + 64]",
                "tileloadd tmm2, [{sums} + 1*{wide} + 2048]",
                "tileloadd tmm3, [{sums} + 1*{wide} + 2112]",
                sums = in(reg) sums,
                wide = in(reg) 2 * DEPTH,
                options(nostack, readonly)
            );
        } else {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nostack, nomem)
            );
        }
        if steps > 0 {
            asm!(
                "2:",
                "tileloadd tmm4, [{queries} + 1*{narrow}]",
                next_step!("0"),
                "tileloadd tmm6, [{rows} + 1*{wide}]",
                next_step!("256"),
                "tileloadd tmm7, [{rows} + 1*{wide} + 64]",
                next_step!("512"),
                "tdpbuud tmm0, tmm4, tmm6",
                next_step!("768"),
                "tileloadd tmm5, [{queries} + 1*{narrow} + 1024]",
                next_step!("1024"),
                "tdpbuud tmm1, tmm4, tmm7",
                next_step!("1280"),
                "tdpbuud tmm2, tmm5, tmm6",
                next_step!("1536"),
                "tdpbuud tmm3, tmm5, tmm7",
                next_step!("1792"),
                "add {queries}, 2048",
                "add {rows}, 2048",
                "dec {steps}",
                "jnz 2b",
                queries = inout(reg) query_panel.as_ptr() => _,
                rows = inout(reg) row_panel.as_ptr() => _,
                steps = inout(reg) steps => _,
                narrow = in(reg) DEPTH,
                wide = in(reg) 2 * DEPTH,
                options(nostack, readonly)
            );
        }
        asm!(
            "tilestored [{sums} + 1*{wide}], tmm0",
            "tilestored [{sums} + 1*{wide} + 64], tmm1",
            "tilestored [{sums} + 1*{wide} + 2048], tmm2",
            "tilestored [{sums} + 1*{wide} + 2112], tmm3",
            sums = in(reg) sums,
            wide = in(reg) 2 * DEPTH,
            options(nostack)
        );
    }
}

/// The shells, which take for granted that there are [`Tiles`] where products are summed.
mod with_tiles {
    use super::*;

    crate::arch::panel::packed_u8_block_shell!(
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
        L1: [12, 2], Dot: [32, 2]
    );
}
pub(in crate::arch) use with_tiles::layout;

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(in crate::arch) fn u8_block(kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
    // SAFETY: a level with this leaf has AMX.
    let _tiles = (kernel != Kernel::L1).then(|| unsafe { Tiles::new() });
    with_tiles::u8_block(kernel, block, out);
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(in crate::arch) fn u8_block_at_most(
    kernel: Kernel,
    block: &U8Block,
    limits: &[u32],
    hits: &mut [u64],
) {
    // SAFETY: a level with this leaf has AMX.
    let _tiles = (kernel != Kernel::L1).then(|| unsafe { Tiles::new() });
    with_tiles::u8_block_at_most(kernel, block, limits, hits);
}

/// Products of bytes on tile registers alone, as pairs of elements in `rounds` rounds.
///
/// # Safety
/// The CPU has AMX-INT8, and the process may use it.
pub(in crate::arch) unsafe fn spin(rounds: u64) -> u64 {
    // SAFETY: AMX is the caller's promise; the loop touches no memory.
    unsafe {
        let _tiles = Tiles::new();
        asm!(
            "2:",
            "tdpbuud tmm0, tmm4, tmm6",
            "tdpbuud tmm1, tmm4, tmm7",
            "tdpbuud tmm2, tmm5, tmm6",
            "tdpbuud tmm3, tmm5, tmm7",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) rounds => _,
            options(nostack, nomem)
        );
    }
    rounds * (SIDE * SIDE * DEPTH) as u64
}

/// Whether the CPU has AMX-INT8 and the system lets this process use it: Linux wants to be asked first, since threads
/// then need more room.
pub(in crate::arch) fn may_use_tiles() -> bool {
    const TILE_AND_INT8: u32 = 3 << 24;
    // The function is safe in newer versions of the standard library.
    #[allow(unused_unsafe)]
    // SAFETY: every x86-64 has the instruction, and leaf 0 says which others there are.
    let features = unsafe {
        if __cpuid_count(0, 0).eax < 7 {
            return false;
        }
        __cpuid_count(7, 0).edx
    };
    features & TILE_AND_INT8 == TILE_AND_INT8 && permitted()
}

#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: usize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: the system call takes two numbers and changes nothing but what this process may do; the registers that
    // it overwrites are declared.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack)
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}
