use std::fmt;

/// A colour of the sRGB space, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

/// A text that is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a colour: use # and six hexadecimal digits, such as #1f6f5c")]
pub(crate) struct InvalidColour;

impl Colour {
    pub(crate) const BLACK: Self = Self([0; 3]);
    pub(crate) const WHITE: Self = Self([u8::MAX; 3]);

    /// The colour of this number, red first: `0x1f6f5c`.
    pub(super) const fn of(number: u32) -> Self {
        let [_, red, green, blue] = number.to_be_bytes();
        Self([red, green, blue])
    }

    /// How bright it is: 0 for black, 1 for white (WCAG 2.2, relative luminance).
    pub(super) fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How well the two can be told apart: 1 for the same to 21 for black and white (WCAG 2.2, contrast ratio).
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This colour with so many 255ths of another in it.
    pub(super) fn mixed(self, other: Self, share: u8) -> Self {
        let mut mixed = [0; 3];
        for ((mixed, own), other) in mixed.iter_mut().zip(self.0).zip(other.0) {
            let sum = u16::from(own) * u16::from(u8::MAX - share) + u16::from(other) * u16::from(share);
            // A mean of two bytes is a byte.
            *mixed = ((sum + 127) / 255) as u8;
        }
        Self(mixed)
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidColour;

    /// Takes the six digits with `#` or without, in any case.
    fn try_from(text: String) -> Result<Self, InvalidColour> {
        let text = text.trim();
        let digits = text.strip_prefix('#').unwrap_or(text);
        let mut bytes = [0; 3];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidColour)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn contrast_is_what_wcag_says_it_is() {
        for (one, two, ratio) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#777777", "#ffffff", 4.48),
            ("#767676", "#ffffff", 4.54),
            ("#595959", "#ffffff", 7.0),
            ("#ff0000", "#ffffff", 4.0),
            ("#008000", "#ffffff", 5.14),
            ("#0000ff", "#ffffff", 8.59),
            ("#ffff00", "#ffffff", 1.07),
            ("#0000ff", "#000000", 2.44),
            ("#ff0000", "#0000ff", 2.15),
        ] {
            let found = colour(one).contrast(colour(two));
            assert!((found - ratio).abs() < 0.006, "{one} on {two}: {found}, not {ratio}");
            assert!((found - colour(two).contrast(colour(one))).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn luminance_weighs_the_channels_as_wcag_does() {
        for (text, luminance) in [("#000000", 0.0), ("#ff0000", 0.2126), ("#00ff00", 0.7152), ("#0000ff", 0.0722)] {
            assert!((colour(text).luminance() - luminance).abs() < 1e-9, "{text}");
        }
        // The two halves of the curve: below, a straight line.
        assert!((colour("#0a0a0a").luminance() - 10.0 / 255.0 / 12.92).abs() < 1e-9);
    }

    #[test]
    fn a_colour_is_read_however_it_is_written_and_nothing_else_is_one() {
        for text in ["#1f6f5c", "1F6F5C", " #1F6f5c "] {
            assert_eq!(colour(text).to_string(), "#1f6f5c");
        }
        for text in ["", "#", "red", "#1f6", "#1f6f5", "#1f6f5cff", "##1f6f5", "#1f6f5g", "１f6f5c", "rgb(1,2,3)"] {
            assert_eq!(Colour::try_from(text.to_owned()), Err(InvalidColour), "{text}");
        }
    }

    #[test]
    fn a_mixture_begins_with_the_one_and_ends_with_the_other() {
        let (one, two) = (colour("#1f6f5c"), colour("#ffffff"));
        assert_eq!(one.mixed(two, 0), one);
        assert_eq!(one.mixed(two, 255), two);
        assert_eq!(Colour::BLACK.mixed(Colour::WHITE, 51), colour("#333333"));
    }
}
