// SPDX-License-Identifier: Apache-2.0
//! Enumerated texts.

/// Declares an enumerated text of AWS's model: an enum with the text of each value.
///
/// A value that is none of them is a constraint violation in an input, with AWS's sentence, and an
/// error in what was stored.
#[macro_export]
macro_rules! enumeration {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident { $($(#[$note:meta])* $variant:ident = $text:literal),+ $(,)? }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility enum $name { $($(#[$note])* $variant),+ }

        impl $name {
            $visibility const VALUES: &'static [&'static str] = &[$($text),+];

            $visibility const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            $visibility fn parse(text: &str) -> ::std::option::Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::private::serde::Serialize for $name {
            fn serialize<S: $crate::private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'_, str> as $crate::private::serde::Deserialize>::deserialize(
                    deserializer,
                )?;
                Self::parse(&text).ok_or_else(|| {
                    $crate::private::serde::de::Error::unknown_variant(&text, Self::VALUES)
                })
            }
        }

        impl $crate::Described for $name {
            const SHAPE: $crate::Shape = $crate::Shape::Enumeration(Self::VALUES);
        }

        impl $crate::Member for $name {
            type Draft = ::std::string::String;

            fn build(
                draft: Self::Draft,
                at: &$crate::At<'_>,
                found: &mut $crate::Violations,
            ) -> ::std::option::Option<Self> {
                let value = Self::parse(&draft);
                if value.is_none() {
                    $crate::private::not_one_of(&draft, Self::VALUES, at, found);
                }
                value
            }

            fn show(&self) -> ::std::string::String {
                self.as_str().to_owned()
            }

            fn show_draft(draft: &Self::Draft) -> ::std::string::String {
                draft.clone()
            }
        }
    };
}
