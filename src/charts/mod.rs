//! Pictures: figures as data, with titles that their own numbers support ([`figure`]), laid out once as sheets of shapes (`drawing`), and
//! written as SVG and PNG files ([`plot`]). The page writes the same sheets.

pub mod diagram;
pub(crate) mod drawing;
pub mod figure;
pub mod plot;
pub(crate) mod scale;
