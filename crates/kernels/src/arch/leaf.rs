//! The shells that every leaf has: functions that enable the features of a level around one of the
//! generic algorithms. A leaf defines the types `L1U8`, `L2SqU8`, `DotU8`, `L1F32`, `L2SqF32`,
//! `DotF32` (or takes another level's) and, where rows are packed, `L1Panel` and `DotPanel`.

/// One function a kernel for single pairs.
macro_rules! pair_shells {
    ($(#[$features:meta])?) => {
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l1_u8: L1U8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l2_sq_u8: L2SqU8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; dot_u8: DotU8, u8 => u32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l1_f32: L1F32, f32 => f32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; l2_sq_f32: L2SqF32, f32 => f32);
        crate::arch::leaf::pair_shells!(@ $(#[$features])?; dot_f32: DotF32, f32 => f32);
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
            // SAFETY: the features of the level are enabled on this function; the safe wrapper has
            // checked that all rows have one length and that `out` has their number.
            unsafe {
                match kernel {
                    Kernel::L1 => tiles::<L1F32, $q, $r>(queries, rows, out),
                    Kernel::L2Sq => tiles::<L2SqF32, $q, $r>(queries, rows, out),
                    Kernel::Dot => tiles::<DotF32, $q, $r>(queries, rows, out),
                }
            }
        }
    };
}

/// The u8 block of a level that packs: tiles of `[queries, vectors of rows]` for each panel type.
macro_rules! packed_u8_block_shell {
    ($(#[$features:meta])? L1: [$l1_q:literal, $l1_v:literal], Dot: [$dot_q:literal, $dot_v:literal]) => {
        $(#[$features])?
        pub(in crate::arch) fn u8_block(kernel: Kernel, block: &U8Block, out: &mut MatMut<u32>) {
            // SAFETY: the features of the level are enabled on this function; `U8Block` holds panels
            // of `layout` below, and the safe wrapper has checked `out`.
            unsafe {
                match kernel {
                    Kernel::L1 => panels::<L1Panel, $l1_q, $l1_v>(block, out),
                    Kernel::L2Sq | Kernel::Dot => panels::<DotPanel, $dot_q, $dot_v>(block, out),
                }
            }
        }

        pub(in crate::arch) fn layout(kernel: Kernel) -> Layout {
            match kernel {
                Kernel::L1 => Layout {
                    group: Some(L1Panel::GROUP),
                    query_width: $l1_q,
                    row_width: $l1_v * L1Panel::LANES,
                    sum: PackedSum::Result,
                },
                Kernel::L2Sq | Kernel::Dot => Layout {
                    group: Some(DotPanel::GROUP),
                    query_width: $dot_q,
                    row_width: $dot_v * DotPanel::LANES,
                    sum: DOT_PANEL_SUM,
                },
            }
        }
    };
}

/// The u8 block of a level that leaves rows as they are, in tiles of `[queries, rows]`.
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
                }
            }
        }
    };
}

pub(in crate::arch) use {
    f32_block_shell, packed_u8_block_shell, pair_shells, unpacked_u8_block_shell,
};
