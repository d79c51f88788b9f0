//! What every public type promises beside its methods: it goes to other threads, and it can be printed.

use std::fmt::Debug;

use nearplane_cifar::write::Contents;
use nearplane_cifar::{
    Dataset, Error, Format, Images, LabelKind, OpenOptions, PixelRows, SplitName,
};

fn thread_safe<T: Send + Sync + Unpin + Debug>() {}

#[test]
fn public_types_go_to_other_threads() {
    thread_safe::<Contents>();
    thread_safe::<Dataset>();
    thread_safe::<Error>();
    thread_safe::<Format>();
    thread_safe::<Images>();
    thread_safe::<LabelKind>();
    thread_safe::<OpenOptions>();
    thread_safe::<PixelRows<'_>>();
    thread_safe::<SplitName>();
}

#[cfg(feature = "import")]
#[test]
fn types_of_the_import_go_to_other_threads() {
    use nearplane_cifar::import::{BadImage, ImportError, ImportOptions, Imported};
    thread_safe::<BadImage>();
    thread_safe::<ImportError>();
    thread_safe::<ImportOptions>();
    thread_safe::<Imported>();
}

#[cfg(feature = "fetch")]
#[test]
fn types_of_the_fetch_go_to_other_threads() {
    use nearplane_cifar::fetch::{FetchError, FetchName, FetchOptions, Fetched, MirrorFailure};
    thread_safe::<FetchError>();
    thread_safe::<FetchName>();
    thread_safe::<FetchOptions>();
    thread_safe::<Fetched>();
    thread_safe::<MirrorFailure>();
}
