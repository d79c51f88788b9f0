//! SIMD levels: copyable tokens that only detection can make.
//!
//! Holding a [`Level`] proves that this CPU has every feature that the level's code uses, which is
//! what makes the safe functions of this crate sound. Detection happens once; forcing a level is a
//! parameter, never a hidden variable.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// What a level is made of; only this module constructs the ones that need proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Scalar,
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    Amx,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// A set of instructions that this CPU has and that the kernels have code for.
///
/// | name | features used |
/// |---|---|
/// | `scalar` | none: the naive oracle |
/// | `portable` | what the build targets (SSE2, NEON or simd128), through `wide` |
/// | `avx2` | AVX2, FMA |
/// | `avxvnni` | AVX2, FMA, AVX-VNNI |
/// | `avx512` | AVX-512 F, BW, VL, beside AVX2 and FMA |
/// | `avx512vnni` | the same and AVX-512 VNNI |
/// | `amx` | the same, AMX-TILE and AMX-INT8, where the system lets a process have them (Linux) |
/// | `neon` | NEON |
///
/// ```
/// use nearplane_kernels::Level;
/// let level = Level::detect();
/// assert!(Level::available().contains(&level));
/// assert_eq!(Level::by_name("scalar")?, Level::SCALAR);
/// # Ok::<(), nearplane_kernels::LevelError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level(Kind);

impl Level {
    /// Every name, from the plainest level up, on whatever CPU.
    pub const NAMES: [&'static str; 8] = [
        "scalar",
        "portable",
        "avx2",
        "avxvnni",
        "avx512",
        "avx512vnni",
        "amx",
        "neon",
    ];

    /// The naive loops that every other level is tested against.
    pub const SCALAR: Self = Self(Kind::Scalar);

    /// The level that needs nothing but what the build targets.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The best level of this CPU.
    #[must_use]
    pub fn detect() -> Self {
        *Self::all().last().unwrap_or(&Self::SCALAR)
    }

    /// Every level of this CPU, the plainest first and the best last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::all().to_vec()
    }

    /// The level of that name, if this CPU has it.
    ///
    /// # Errors
    /// [`LevelError::Unknown`] for a name that no level has, [`LevelError::Unavailable`] for a level
    /// that this CPU (or the architecture of this build) lacks.
    pub fn by_name(name: &str) -> Result<Self, LevelError> {
        if let Some(level) = Self::all().iter().find(|level| level.name() == name) {
            return Ok(*level);
        }
        if Self::NAMES.contains(&name) {
            Err(LevelError::Unavailable(name.to_owned()))
        } else {
            Err(LevelError::Unknown(name.to_owned()))
        }
    }

    /// The one spelling used on the command line, in file names and in bench ids.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::AvxVnni => "avxvnni",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Vnni => "avx512vnni",
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => "amx",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }

    fn all() -> &'static [Self] {
        static LEVELS: OnceLock<Vec<Level>> = OnceLock::new();
        LEVELS.get_or_init(|| {
            let mut levels = vec![Self::SCALAR, Self::PORTABLE];
            Self::push_native(&mut levels);
            levels
        })
    }

    #[cfg(target_arch = "x86_64")]
    fn push_native(levels: &mut Vec<Self>) {
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            return;
        }
        levels.push(Self(Kind::Avx2));
        if is_x86_feature_detected!("avxvnni") {
            levels.push(Self(Kind::AvxVnni));
        }
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            levels.push(Self(Kind::Avx512));
            if is_x86_feature_detected!("avx512vnni") {
                levels.push(Self(Kind::Avx512Vnni));
                if crate::arch::may_use_tiles() {
                    levels.push(Self(Kind::Amx));
                }
            }
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn push_native(levels: &mut Vec<Self>) {
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Self(Kind::Neon));
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn push_native(_levels: &mut Vec<Self>) {}
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Level({})", self.name())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(name: &str) -> Result<Self, LevelError> {
        Self::by_name(name)
    }
}

/// Why a name gave no [`Level`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LevelError {
    /// No level has this name.
    Unknown(String),
    /// The level exists, but not on this CPU.
    Unavailable(String),
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(
                f,
                "unknown SIMD level '{name}', expected one of {}",
                Level::NAMES.join(", ")
            ),
            Self::Unavailable(name) => {
                let here: Vec<&str> = Level::all().iter().map(|level| level.name()).collect();
                write!(
                    f,
                    "this CPU lacks the SIMD level '{name}', it has {}",
                    here.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for LevelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_spelling_and_round_trip() {
        let levels = Level::available();
        assert_eq!(levels[0], Level::SCALAR);
        assert_eq!(levels.last(), Some(&Level::detect()));
        for level in levels {
            assert!(Level::NAMES.contains(&level.name()));
            assert_eq!(level.name().parse(), Ok(level));
        }
    }

    #[test]
    fn errors_tell_unknown_from_unavailable() {
        let unknown = Level::by_name("AVX2").unwrap_err();
        assert!(unknown.to_string().starts_with("unknown SIMD level 'AVX2'"));
        let missing = Level::NAMES
            .iter()
            .find(|name| Level::by_name(name).is_err())
            .expect("no CPU has both AVX and NEON");
        assert!(
            Level::by_name(missing)
                .unwrap_err()
                .to_string()
                .starts_with("this CPU lacks")
        );
    }
}
