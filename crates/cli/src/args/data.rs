//! `nearplane data ...`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::SourceArgs;

const IMPORT_EXAMPLES: &str = "\
SRC holds train/<class>/*.jpg|png and test/<class>/..., or one level of class folders,
of which a share becomes the test set. Classes are numbered in the order of their names.
Images of another size are resized to 32x32.

Examples:
  nearplane data import cifar10.tar.xz --out target/cifar10 --order train-labels.txt
  nearplane data import photos/ --out target/photos --test-ratio 0.2 --skip-bad";

const FETCH_EXAMPLES: &str = "\
The originals are checked against the size and MD5 that their authors publish. What has arrived
stays beside the folder in a .part file: after a cut connection or Ctrl-C the same command
continues there, also from another mirror.

Where the server is slow or down: name another with --mirror (a folder, ending in /, that holds
the archive under its original name, or the archive itself), or get the archive by hand and give
the file with --archive.

Examples:
  nearplane data fetch cifar-10
  nearplane data fetch cifar-100 --mirror https://mirror.example/datasets/
  nearplane data fetch cifar-10 --archive cifar-10-binary.tar.gz";

const SYNTH_EXAMPLES: &str = "\
The five difficulties go from 0, the textbook example, to 1, which hides nearly everything, in
thousandths. Each draws on random numbers of its own: turning one leaves the rest of every image
as it was. 'nearplane difficulties' prints what each costs.

Examples:
  nearplane data synth --out target/synth
  nearplane data synth --out target/hidden --occlusion 0.6 --background 0
  nearplane data synth --out target/big --n-train 50000 --n-test 10000 --seed 7";

const PERTURB_EXAMPLES: &str = "\
SPEC is one step, or several joined by +, carried out in this order; an option left out changes
nothing:
  shift:dx=2,dy=-1        pixels to the right and down (-32..32)
  rotation:degrees=15     anticlockwise about the centre (-180..180)
  zoom:permille=1250      about the centre, larger above 1000 (125..8000)
  brightness:offset=-40   levels of 255 (-255..255)
  contrast:permille=500   differences from mid-gray (0..8000)
  tint:r=20,g=0,b=-20     levels by channel (-255..255)
  noise:amplitude=20      an even random number for every byte (0..255)
  blur:radius=1           the mean of a square (0..31)
  patch:side=8            covers a square; x, y (0..31 or random), color=#808080
shift, rotation and zoom take edge=repeat (the default) or a colour such as edge=#000000.

Examples:
  nearplane data perturb --data target/cifar10 --out target/dark --perturb brightness:offset=-40
  nearplane data perturb --out target/moved --perturb shift:dx=2+tint:r=20 --picture moved.png";

const INSPECT_EXAMPLES: &str = "\
Examples:
  nearplane data inspect --data target/cifar10 --picture samples.png
  nearplane data inspect --json";

const EXPORT_EXAMPLES: &str = "\
Writes x_train.npy, uint8 rows of 3072 (1024 red, 1024 green, 1024 blue), y_train.npy, x_test.npy
and y_test.npy; for CIFAR-100 the fine labels, and the coarse ones as y_train_coarse.npy and
y_test_coarse.npy. Rows are in the order of the files.

Examples:
  nearplane data export --data target/cifar10 --out target/arrays
  nearplane data export --out target/arrays --split test --dtype f32";

/// The commands below `nearplane data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Turn a folder or a .tar, .tar.gz, .tar.xz of class folders of images into CIFAR-10 binary files
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Download CIFAR-10 or CIFAR-100, check it and unpack it; a download that was cut is continued
    #[command(after_help = FETCH_EXAMPLES)]
    Fetch(FetchArgs),
    /// Draw ten classes of synthetic images from a seed, the same bytes on every system
    #[command(after_help = SYNTH_EXAMPLES)]
    Synth(SynthArgs),
    /// Make the images of a data set harder by exact amounts: moved, turned, darkened, tinted, blurred, covered
    #[command(after_help = PERTURB_EXAMPLES)]
    Perturb(PerturbArgs),
    /// Counts, class balance, means, duplicates and a picture of samples
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Write images and labels as NumPy arrays
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
}

/// `data import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder or archive to import
    #[arg(value_name = "SRC")]
    pub(crate) src: PathBuf,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Order of the training images: a text file with one digit, the label, per image
    #[arg(long, value_name = "FILE")]
    pub(crate) order: Option<PathBuf>,
    /// Leave out images that cannot be decoded instead of failing
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Share of each class that becomes the test set where SRC has no test folder [default: 0.2 where it has
    /// no train folder either]
    #[arg(long, value_name = "RATIO")]
    pub(crate) test_ratio: Option<f64>,
}

/// `data fetch`.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// What to fetch
    #[arg(value_enum)]
    pub(crate) name: FetchNameArg,
    /// Folder to write [default: datasets/cifar-10-batches-bin or datasets/cifar-100-binary]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Server to ask instead of the authors' own; give several to have them tried in this order
    #[arg(long = "mirror", value_name = "URL")]
    pub(crate) mirrors: Vec<String>,
    /// Take an archive that was downloaded already; nothing is asked of the network
    #[arg(long, value_name = "FILE", conflicts_with = "mirrors")]
    pub(crate) archive: Option<PathBuf>,
}

/// What can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FetchNameArg {
    /// 60,000 images of 10 classes, 170 MB to download
    #[value(name = "cifar-10")]
    Cifar10,
    /// 60,000 images of 100 classes in 20 groups, about as much
    #[value(name = "cifar-100")]
    Cifar100,
}

/// `data synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of training images [default: 5000]
    #[arg(long, value_name = "N")]
    pub(crate) n_train: Option<u64>,
    /// Number of test images [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) n_test: Option<u64>,
    #[command(flatten)]
    pub(crate) knobs: KnobArgs,
}

/// The five difficulties, each 0 to 1, in thousandths.
#[derive(Debug, Args)]
#[command(next_help_heading = "Difficulties, each from 0 to 1 [default: 0.175]")]
pub(crate) struct KnobArgs {
    /// Place, size, rotation and slant of the object
    #[arg(long, value_name = "X", value_parser = thousandths, allow_negative_numbers = true)]
    pub(crate) viewpoint: Option<u16>,
    /// Colour, gratings, blotches and clutter behind it; how well it hides there
    #[arg(long, value_name = "X", value_parser = thousandths, allow_negative_numbers = true)]
    pub(crate) background: Option<u16>,
    /// Exposure, tint, light from one side, shadow
    #[arg(long, value_name = "X", value_parser = thousandths, allow_negative_numbers = true)]
    pub(crate) illumination: Option<u16>,
    /// How much of the image is covered
    #[arg(long, value_name = "X", value_parser = thousandths, allow_negative_numbers = true)]
    pub(crate) occlusion: Option<u16>,
    /// Colours and proportions within a class
    #[arg(long, value_name = "X", value_parser = thousandths, allow_negative_numbers = true)]
    pub(crate) variation: Option<u16>,
}

/// A number from 0 to 1 with at most three decimals, in thousandths.
fn thousandths(text: &str) -> Result<u16, String> {
    let value: f64 = text
        .parse()
        .map_err(|_| "expected a number from 0 to 1".to_owned())?;
    // Written so that a NaN fails, too.
    if !(0.0..=1.0).contains(&value) {
        return Err("expected a number from 0 to 1".to_owned());
    }
    let rounded = (value * 1000.0).round();
    if (value * 1000.0 - rounded).abs() > 1e-6 {
        return Err("expected thousandths: at most three decimals".to_owned());
    }
    Ok(rounded as u16)
}

/// `data perturb`.
#[derive(Debug, Args)]
pub(crate) struct PerturbArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Folder to write, in the format of the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What to do to every image, such as shift:dx=2+tint:r=20
    #[arg(long, value_name = "SPEC")]
    pub(crate) perturb: String,
    /// Which images; the others are written as they are
    #[arg(long, value_enum, default_value_t = SplitArg::Test)]
    pub(crate) split: SplitArg,
    /// Write a picture of an image of each of the first ten classes, before (above) and after
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
}

/// The splits of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitArg {
    /// The training images
    Train,
    /// The test images
    Test,
    /// All images
    Both,
}

/// `data inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Write a picture of samples of every class
    #[arg(long, value_name = "FILE.png")]
    pub(crate) picture: Option<PathBuf>,
}

/// `data export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Which images
    #[arg(long, value_enum, default_value_t = SplitArg::Both)]
    pub(crate) split: SplitArg,
    /// Elements of the images: bytes, or the same numbers as floats
    #[arg(long, value_enum, default_value_t = DtypeArg::U8)]
    pub(crate) dtype: DtypeArg,
}

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeArg {
    /// Bytes, 0 to 255
    U8,
    /// Floats of 4 bytes, 0.0 to 255.0
    F32,
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn difficulties_are_thousandths_from_0_to_1() {
        for (text, expected) in [
            ("0", 0),
            ("1", 1000),
            ("0.175", 175),
            (".5", 500),
            ("1e-3", 1),
        ] {
            assert_eq!(thousandths(text), Ok(expected), "{text}");
        }
        for text in [
            "", "nan", "-0.1", "1.001", "inf", "0.1234", "1e-9", "half", "0,5",
        ] {
            assert!(thousandths(text).is_err(), "{text:?} was accepted");
        }
    }
}
