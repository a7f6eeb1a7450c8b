//! The flat table as Apache Parquet, column by column.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::flat::{Cells, FlatColumn, columns};
use crate::result::Sweep;

/// The sweep as a Parquet file: the columns of [`csv`](super::csv), missing values as nulls, whole numbers as 64-bit integers, texts as
/// UTF-8, one row group, uncompressed. The same sweep gives the same bytes.
///
/// # Errors
///
/// A sentence; no error is expected for a sweep that was read back.
pub fn parquet(sweep: &Sweep) -> Result<Vec<u8>, ParquetError> {
    written(&columns(sweep))
}

fn written(columns: &[FlatColumn]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("sweep")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .build();
    let mut out = Vec::new();
    let mut file = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for column in columns {
        let mut writer = group.next_column()?.ok_or_else(|| {
            ParquetError::General(format!("there is no column for {}", column.name))
        })?;
        cells(&mut writer, &column.cells)?;
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(out)
}

fn field(column: &FlatColumn) -> Result<TypePtr, ParquetError> {
    let (physical, logical, repetition) = match column.cells {
        Cells::Text(_) => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::REQUIRED,
        ),
        Cells::Whole(_) => (Physical::INT64, None, Repetition::OPTIONAL),
        Cells::Flag(_) => (Physical::BOOLEAN, None, Repetition::REQUIRED),
        Cells::Number(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
        .map(Arc::new)
}

fn cells(writer: &mut SerializedColumnWriter<'_>, cells: &Cells) -> Result<(), ParquetError> {
    match cells {
        Cells::Text(texts) => {
            let texts: Vec<ByteArray> = texts.iter().map(|t| t.as_str().into()).collect();
            writer
                .typed::<ByteArrayType>()
                .write_batch(&texts, None, None)?;
        }
        Cells::Flag(flags) => {
            writer.typed::<BoolType>().write_batch(flags, None, None)?;
        }
        Cells::Whole(numbers) => {
            let (values, levels) = split(numbers, |n| i64::try_from(n).unwrap_or(i64::MAX));
            writer
                .typed::<Int64Type>()
                .write_batch(&values, Some(&levels), None)?;
        }
        Cells::Number(numbers) => {
            let (values, levels) = split(numbers, |n| n);
            writer
                .typed::<DoubleType>()
                .write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

/// The existing values, and for each row whether it has one (1) or not (0).
fn split<T: Copy, U>(cells: &[Option<T>], as_written: impl Fn(T) -> U) -> (Vec<U>, Vec<i16>) {
    let values = cells.iter().flatten().map(|&v| as_written(v)).collect();
    let levels = cells.iter().map(|c| i16::from(c.is_some())).collect();
    (values, levels)
}
