//! The shells that every leaf has: functions that enable the features of a level around one of the
//! generic algorithms. A leaf defines the types `L1U8`, `L2SqU8`, `DotU8`, `L1F32`, `L2SqF32`,
//! `DotF32`, `Chi2F32`, or takes another level's.

/// One function a kernel for single pairs, and the scan of their results.
macro_rules! pair_shells {
    ($(#[$features:meta])?) => {
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l1_u8: L1U8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l2_sq_u8: L2SqU8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; dot_u8: DotU8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l1_f32: L1F32, f32 => f32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l2_sq_f32: L2SqF32, f32 => f32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; dot_f32: DotF32, f32 => f32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; chi2_f32: Chi2F32, f32 => f32);

        $(#[$features])?
        pub(in crate::arch) fn first_at_most(values: &[u32], threshold: u32) -> Option<usize> {
            crate::arch::generic::first_at_most(values, threshold)
        }
    };
    (@ $(#[$features:meta])?; $function:ident: $sum:ty, $element:ty => $total:ty) => {
        $(#[$features])?
        pub(in crate::arch) fn $function(a: &[$element], b: &[$element]) -> $total {
            // The features are enabled right here; this holds the generic code to one length.
            let b = &b[..a.len()];
            // SAFETY: the features of the level are enabled on this function, lengths are equal.
            unsafe { pair::<$sum>(a, b) }
        }
    };
}

/// The f32 block in tiles of `[queries, rows]`.
macro_rules! f32_block_shell {
    ($(#[$features:meta])? [$q:literal, $r:literal]) => {
        $(#[$features])?
        pub(in crate::arch) fn f32_block(
            kernel: Kernel,
            queries: &[&[f32]],
            rows: &[&[f32]],
            out: &mut MatMut<f32>,
        ) {
            let mut lengths = queries.iter().chain(rows).map(|row| row.len());
            let cols = lengths.next();
            assert!(lengths.all(|length| Some(length) == cols));
            // SAFETY: the features of the level are enabled on this function, all rows have one length.
            unsafe {
                match kernel {
                    Kernel::L1 => tiles::<L1F32, $q, $r>(queries, rows, out),
                    Kernel::L2Sq => tiles::<L2SqF32, $q, $r>(queries, rows, out),
                    Kernel::Dot => tiles::<DotF32, $q, $r>(queries, rows, out),
                    Kernel::Chi2 => tiles::<Chi2F32, $q, $r>(queries, rows, out),
                }
            }
        }
    };
}

/// The u8 blocks of a level that leaves rows as they are, in tiles of `[queries, rows]`.
macro_rules! unpacked_u8_block_shell {
    ($(#[$features:meta])? [$q:literal, $r:literal]) => {
        $(#[$features])?
        pub(in crate::arch) fn u8_block(kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
            let (queries, rows) = unpacked_panels(block);
            // SAFETY: the features of the level are enabled on this function; panels of one row all
            // have the same length, and the safe wrapper has checked `out`.
            unsafe {
                match kernel {
                    Kernel::L1 => tiles::<L1U8, $q, $r>(&queries, &rows, out),
                    Kernel::L2Sq => tiles::<L2SqU8, $q, $r>(&queries, &rows, out),
                    Kernel::Dot => tiles::<DotU8, $q, $r>(&queries, &rows, out),
                    Kernel::Chi2 => crate::arch::no_chi2_of_bytes(),
                }
            }
        }

        $(#[$features])?
        pub(in crate::arch) fn u8_block_at_most(
            kernel: Kernel,
            block: &U8Block,
            limits: &[u32],
            hits: &mut [u64],
        ) {
            use crate::arch::generic::tiles_at_most;
            let (queries, rows) = unpacked_panels(block);
            // SAFETY: the features of the level are enabled on this function; panels of one row all
            // have the same length.
            unsafe {
                match kernel {
                    Kernel::L1 => tiles_at_most::<L1U8, $q, $r>(&queries, &rows, limits, hits),
                    Kernel::L2Sq => tiles_at_most::<L2SqU8, $q, $r>(&queries, &rows, limits, hits),
                    Kernel::Dot => tiles_at_most::<DotU8, $q, $r>(&queries, &rows, limits, hits),
                    Kernel::Chi2 => crate::arch::no_chi2_of_bytes(),
                }
            }
        }
    };
}

pub(in crate::arch) use {f32_block_shell, pair_shells, unpacked_u8_block_shell};
