//! The instruction limit of a kernel: its arithmetic on registers alone, no memory, no tails.
//!
//! Written in assembly, because a compiler sees that such a loop computes nothing. Registers 0 to 11
//! accumulate, enough independent chains to hide the latency of every instruction here; 14 and 15
//! are the operands, 12 and 13 hold what lies between.

use crate::arch::Kernel;
use crate::limits::Element;
use core::arch::asm;

const CHAINS: u64 = 12;

/// `$rounds` times, for each accumulator: the instructions `$before`, which leave a result in register
/// 12 (`add`), or none (`fuse`), then `$last`, which adds that result, or the product of the operands.
macro_rules! spin {
    ($rounds:expr, $file:literal, $before:expr, add $last:literal) => {
        spin!(add 0 1 2 3 4 5 6 7 8 9 10 11; $rounds, $file, $before, $last)
    };
    ($rounds:expr, $file:literal, $before:expr, fuse $last:literal, $operands:expr) => {
        spin!(fuse 0 1 2 3 4 5 6 7 8 9 10 11; $rounds, $file, $before, $last, $operands)
    };
    (add $($acc:literal)*; $rounds:expr, $file:literal, $before:expr, $last:literal) => {
        spin!(asm $rounds,
            $(concat!($before, $last, " ", $file, $acc, ", ", $file, $acc, ", ", $file, "12")),*)
    };
    (fuse $($acc:literal)*; $rounds:expr, $file:literal, $before:expr, $last:literal, $operands:expr) => {
        spin!(asm $rounds, $(concat!($before, $last, " ", $file, $acc, ", ", $operands)),*)
    };
    (asm $rounds:expr, $($step:expr),*) => {
        // SAFETY: the caller promises the features of the level; the loop touches no memory, and
        // every register it writes is declared (the wide ones by their lowest part).
        unsafe {
            asm!(
                "vzeroall",
                "2:",
                $($step,)*
                "dec {rounds}",
                "jnz 2b",
                rounds = inout(reg) $rounds => _,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
                out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _,
                out("xmm10") _, out("xmm11") _, out("xmm12") _, out("xmm13") _, out("xmm14") _,
                out("xmm15") _,
                options(nomem, nostack)
            )
        }
    };
}

/// The loops of a register file: `$bytes` a register, `$and` the and of floats.
macro_rules! of_file {
    ($name:ident, $file:literal, $bytes:literal, $and:literal) => {
        /// Pairs of elements in `rounds` rounds; products of bytes by `vpmaddwd`.
        ///
        /// # Safety
        /// The CPU has the features of the level.
        pub(in crate::arch) unsafe fn $name(kernel: Kernel, element: Element, rounds: u64) -> u64 {
            let per_vector = match (element, kernel) {
                (Element::U8, Kernel::L1) => {
                    spin!(rounds, $file,
                        concat!("vpsadbw ", $file, "12, ", $file, "14, ", $file, "15\n"),
                        add "vpaddq");
                    $bytes
                }
                (Element::U8, Kernel::L2Sq | Kernel::Dot) => {
                    spin!(rounds, $file,
                        concat!("vpmaddwd ", $file, "12, ", $file, "14, ", $file, "15\n"),
                        add "vpaddd");
                    $bytes / 2
                }
                (Element::F32, Kernel::L1) => {
                    spin!(rounds, $file,
                        concat!("vsubps ", $file, "13, ", $file, "14, ", $file, "15\n",
                            $and, " ", $file, "12, ", $file, "13, ", $file, "14\n"),
                        add "vaddps");
                    $bytes / 4
                }
                (Element::F32, Kernel::L2Sq) => {
                    spin!(rounds, $file,
                        concat!("vsubps ", $file, "12, ", $file, "14, ", $file, "15\n"),
                        fuse "vfmadd231ps", concat!($file, "12, ", $file, "12"));
                    $bytes / 4
                }
                (Element::F32, Kernel::Dot) => {
                    spin!(rounds, $file, "",
                        fuse "vfmadd231ps", concat!($file, "14, ", $file, "15"));
                    $bytes / 4
                }
                // Its limit is the divider's, which no loop here stands for.
                (_, Kernel::Chi2) => return 0,
            };
            rounds * CHAINS * per_vector
        }
    };
}

of_file!(ymm, "ymm", 32, "vandps");
of_file!(zmm, "zmm", 64, "vpandd");

/// Products of bytes by `vpdpbusd`.
///
/// # Safety
/// The CPU has AVX-VNNI.
pub(in crate::arch) unsafe fn dot_ymm(rounds: u64) -> u64 {
    spin!(rounds, "ymm", "", fuse "{{vex}} vpdpbusd", "ymm14, ymm15");
    rounds * CHAINS * 32
}

/// Products of bytes by `vpdpbusd`.
///
/// # Safety
/// The CPU has AVX-512 VNNI.
pub(in crate::arch) unsafe fn dot_zmm(rounds: u64) -> u64 {
    spin!(rounds, "zmm", "", fuse "vpdpbusd", "zmm14, zmm15");
    rounds * CHAINS * 64
}

/// Minima of bytes by `vpminub`, summed by `vpdpbusd`.
///
/// # Safety
/// The CPU has AVX-512 VNNI.
pub(in crate::arch) unsafe fn min_zmm(rounds: u64) -> u64 {
    spin!(rounds, "zmm", "vpminub zmm12, zmm14, zmm15\n", fuse "vpdpbusd", "zmm12, zmm13");
    rounds * CHAINS * 64
}
