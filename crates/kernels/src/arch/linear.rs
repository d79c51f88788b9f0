//! The shells of the linear algebra: functions that enable the features of a level around `scores`,
//! `outer` and `gemm`, and choose the register tiles.

/// For a leaf's vectors `$floats`: tiles of scores as `classes: rows`, of gradients as `classes: vectors of
/// columns`, of products as `[rows, vectors of columns]`. Larger groups of classes come first.
macro_rules! linear_shells {
    (
        $(#[$features:meta])? $floats:ty;
        scores: $($score_classes:literal: $score_rows:literal),+;
        gradient: $($gradient_classes:literal: $gradient_vectors:literal),+;
        product: [$product_rows:literal, $product_vectors:literal]
    ) => {
        crate::arch::linear::linear_shells!(@scores $(#[$features])? $floats, scores_u8: u8;
            $($score_classes: $score_rows),+);
        crate::arch::linear::linear_shells!(@scores $(#[$features])? $floats, scores_f32: f32;
            $($score_classes: $score_rows),+);
        crate::arch::linear::linear_shells!(@gradient $(#[$features])? $floats, gradient_u8: u8;
            $($gradient_classes: $gradient_vectors),+);
        crate::arch::linear::linear_shells!(@gradient $(#[$features])? $floats, gradient_f32: f32;
            $($gradient_classes: $gradient_vectors),+);

        $(#[$features])?
        pub(in crate::arch) fn add_product(
            left: crate::arch::gemm::Left,
            right: crate::MatRef<f32>,
            part: crate::arch::gemm::Part,
            out: &mut crate::MatMut<f32>,
        ) {
            // SAFETY: the features of the level are enabled on this function, the safe wrapper has
            // checked the shapes.
            unsafe {
                crate::arch::gemm::add_product::<$floats, $product_rows, $product_vectors>(left, right, part, out);
            }
        }
    };
    (@scores $(#[$features:meta])? $floats:ty, $name:ident: $element:ty; $($classes:literal: $rows:literal),+) => {
        $(#[$features])?
        pub(in crate::arch) fn $name(
            rows: crate::MatRef<$element>,
            weights: crate::MatRef<f32>,
            out: &mut crate::MatMut<f32>,
        ) {
            use crate::arch::scores;
            fn group(left: usize) -> usize {
                $(if left >= $classes { return $classes; })+
                left
            }
            // SAFETY: the features of the level are enabled on this function.
            let packed = unsafe { scores::pack::<$floats>(weights, group) };
            for row in (0..rows.rows()).step_by(scores::BLOCK) {
                let mut class = 0;
                while class < weights.rows() {
                    let classes = group(weights.rows() - class);
                    // SAFETY: the features of the level are enabled on this function, the safe wrapper
                    // has checked the shapes, and groups are those of the packing.
                    unsafe {
                        match classes {
                            $($classes => scores::group::<$floats, $element, $rows, $classes>(
                                rows, row, packed.as_slice(), class, out,
                            ),)+
                            _ => unreachable!("the last group is of one class"),
                        }
                    }
                    class += classes;
                }
            }
        }
    };
    (@gradient $(#[$features:meta])? $floats:ty, $name:ident: $element:ty; $($classes:literal: $vectors:literal),+) => {
        $(#[$features])?
        pub(in crate::arch) fn $name(
            coefficients: crate::MatRef<f32>,
            rows: crate::MatRef<$element>,
            gradient: &mut crate::MatMut<f32>,
        ) {
            use crate::arch::outer;
            for row in (0..rows.rows()).step_by(outer::BLOCK) {
                let mut class = 0;
                while class < coefficients.cols() {
                    let left = coefficients.cols() - class;
                    $(if left >= $classes {
                        // SAFETY: the features of the level are enabled on this function, the safe
                        // wrapper has checked the shapes.
                        unsafe {
                            outer::gradient::<$floats, $element, $classes, $vectors>(
                                coefficients, rows, row, class, gradient,
                            );
                        }
                        class += $classes;
                        continue;
                    })+
                }
            }
        }
    };
}

pub(in crate::arch) use linear_shells;
