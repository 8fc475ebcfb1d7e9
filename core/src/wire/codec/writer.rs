//! Values into bytes.

use postcard::to_slice;
use serde::Serialize;
use serde::ser::{
    Impossible, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, Serializer,
};

use super::Mismatch;

/// The room, and how much of it is taken; `None` once a value did not fit. Nothing more is written from then on.
#[derive(Debug)]
pub(super) struct Writer<'b> {
    out: &'b mut [u8],
    len: Option<usize>,
}

impl<'b> Writer<'b> {
    pub(super) const fn new(out: &'b mut [u8]) -> Self {
        Self { out, len: Some(0) }
    }

    /// Bytes written; `None` when a value did not fit.
    pub(super) const fn finish(self) -> Option<usize> {
        self.len
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn put<T: Serialize>(&mut self, value: T) {
        self.len = self.len.and_then(|len| {
            let written = to_slice(&value, self.out.get_mut(len..)?).ok()?;
            Some(len.saturating_add(written.len()))
        });
    }
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Mismatch;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), Mismatch>;
    type SerializeTupleVariant = Impossible<(), Mismatch>;
    type SerializeMap = Impossible<(), Mismatch>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Mismatch> {
        self.serialize_u8(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Mismatch> {
        self.put(value);
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Mismatch> {
        self.serialize_u32(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Mismatch> {
        self.put(value);
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Mismatch> {
        self.put(value);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Mismatch> {
        self.put(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Mismatch> {
        self.serialize_bool(false)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Mismatch> {
        self.put(1_u8);
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Mismatch> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        self.put(index);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Mismatch> {
        let len = len.and_then(|len| u32::try_from(len).ok());
        self.put(len.ok_or(Mismatch)?);
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Mismatch> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Mismatch> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Mismatch> {
        self.put(index);
        Ok(self)
    }

    // No message holds any of these.

    fn serialize_i8(self, _: i8) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_i16(self, _: i16) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_i32(self, _: i32) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_i64(self, _: i64) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_char(self, _: char) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_unit(self) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Mismatch> {
        Err(Mismatch)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Mismatch> {
        Err(Mismatch)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Mismatch> {
        Err(Mismatch)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Mismatch> {
        Err(Mismatch)
    }

    fn collect_str<T: core::fmt::Display + ?Sized>(self, _: &T) -> Result<(), Mismatch> {
        Err(Mismatch)
    }
}

impl SerializeSeq for &mut Writer<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl SerializeTuple for &mut Writer<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl SerializeStruct for &mut Writer<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Mismatch> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl SerializeStructVariant for &mut Writer<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Mismatch> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}
