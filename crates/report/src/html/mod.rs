//! One self-contained HTML file: sections, figures with the command and the data behind them, no request to anywhere.

mod figure;
mod markup;
mod page;
mod prose;
mod table;

pub use figure::Figure;
pub(crate) use figure::data_uri;
pub use markup::Html;
pub use page::{Page, Section};
pub use prose::{Fill, fixed, number, percent, prose};
pub use table::{Cell, Table};
