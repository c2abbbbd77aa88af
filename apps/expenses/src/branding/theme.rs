use super::colour::Colour;

/// What text is shown on, in light surroundings or in dark ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    /// Of cards and tables, and of the page around them; `style.css` has the same.
    pub(crate) surface: Colour,
    pub(crate) ground: Colour,
    /// Where colours are moved to when they are too near to these.
    far: Colour,
}

impl Theme {
    pub(crate) const LIGHT: Self = Self { surface: Colour::WHITE, ground: Colour::of(0xf6f7f9), far: Colour::BLACK };
    pub(crate) const DARK: Self =
        Self { surface: Colour::of(0x171c25), ground: Colour::of(0x0f131a), far: Colour::WHITE };
}

/// The accent of who chose none; `style.css` has the same.
pub(crate) const USUAL: Colour = Colour::of(0x1f6f5c);

/// The contrast that text needs (WCAG 2.2, success criterion 1.4.3).
const READABLE: f64 = 4.5;
/// The contrast by which the ground of a button is seen as one. No standard asks for more than a text that can be read.
const DISTINCT: f64 = 1.3;
/// How much of the accent is in the ground of what is chosen in the navigation, in 255ths: 10 %.
const TINT: u8 = 26;
/// How much darker or lighter things are under the pointer, in 255ths.
const STRONGER: u8 = 48;

/// A chosen colour as a theme shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Of links and lines.
    pub(crate) accent: Colour,
    pub(crate) accent_strong: Colour,
    /// Of buttons, and of the text on them.
    pub(crate) button: Colour,
    pub(crate) button_strong: Colour,
    pub(crate) on_button: Colour,
}

impl Theme {
    /// How a colour looks here. What cannot be read, or seen, as it was chosen is darkened or lightened until it can.
    pub(crate) fn look(self, chosen: Colour) -> Look {
        let accent = self.moved(chosen, |colour| self.is_readable(colour));
        let button = self.moved(chosen, |colour| self.is_distinct(colour));
        // One of the two is always readable: the worse of both is best at 4.58.
        let (on_button, off) = if button.contrast(Colour::WHITE) >= button.contrast(Colour::BLACK) {
            (Colour::WHITE, Colour::BLACK)
        } else {
            (Colour::BLACK, Colour::WHITE)
        };
        Look {
            accent,
            accent_strong: accent.mixed(self.far, STRONGER),
            button,
            button_strong: button.mixed(off, STRONGER),
            on_button,
        }
    }

    fn is_readable(self, colour: Colour) -> bool {
        let tinted = self.surface.mixed(colour, TINT);
        [self.surface, self.ground, tinted].into_iter().all(|ground| colour.contrast(ground) >= READABLE)
    }

    fn is_distinct(self, colour: Colour) -> bool {
        [self.surface, self.ground].into_iter().all(|ground| colour.contrast(ground) >= DISTINCT)
    }

    /// The nearest to a colour that fits, on the way to where all do.
    fn moved(self, colour: Colour, fits: impl Fn(Colour) -> bool) -> Colour {
        (0..=u8::MAX).map(|share| colour.mixed(self.far, share)).find(|colour| fits(*colour)).unwrap_or(self.far)
    }
}

/// A colour that buttons could not be seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{chosen} cannot be told from the page around it: the nearest colour that can is {nearest}")]
pub(crate) struct Indistinct {
    chosen: Colour,
    pub(crate) nearest: Colour,
}

/// Refuses a colour that nobody would ever see as it was chosen. In the dark theme another is taken for one like it.
pub(crate) fn check(chosen: Colour) -> Result<Colour, Indistinct> {
    let nearest = Theme::LIGHT.look(chosen).button;
    if nearest == chosen { Ok(chosen) } else { Err(Indistinct { chosen, nearest }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn the_style_sheet_has_the_same_grounds() {
        let style = include_str!("../../assets/style.css");
        let (light, dark) = style.split_once("prefers-color-scheme: dark").unwrap();
        for (part, theme) in [(light, Theme::LIGHT), (dark, Theme::DARK)] {
            for (name, colour) in [("surface", theme.surface), ("ground", theme.ground)] {
                assert!(part.contains(&format!("--{name}: {colour};")), "{name}: {colour}");
            }
        }
        assert!(light.contains(&format!("--accent: {USUAL};")));
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        for text in ["#1f6f5c", "#7a1fa2", "#003366"] {
            let look = Theme::LIGHT.look(colour(text));
            assert_eq!((look.accent, look.button, look.on_button), (colour(text), colour(text), Colour::WHITE));
        }
        assert_eq!(Theme::DARK.look(colour("#6fc7b0")).accent, colour("#6fc7b0"));
    }

    #[test]
    fn a_button_keeps_a_light_colour_and_its_text_becomes_black() {
        let look = Theme::LIGHT.look(colour("#ffcc00"));
        assert_eq!((look.button, look.on_button), (colour("#ffcc00"), Colour::BLACK));
        assert_ne!(look.accent, colour("#ffcc00"));
    }

    #[test]
    fn a_colour_like_the_page_is_refused_and_the_nearest_that_is_named_is_not() {
        for text in ["#ffffff", "#f6f7f9", "#ffff00", "#eeeeee", "#fffde7"] {
            let refused = check(colour(text)).unwrap_err();
            assert!(refused.to_string().contains(text), "{refused}");
            assert_eq!(check(refused.nearest), Ok(refused.nearest), "{text}");
        }
        // Black is seen by day, and becomes lighter at night.
        assert_eq!(check(Colour::BLACK), Ok(Colour::BLACK));
        assert_ne!(Theme::DARK.look(Colour::BLACK).button, Colour::BLACK);
    }

    proptest! {
        #[test]
        fn everything_can_be_read_in_every_colour(number in 0_u32..0x0100_0000) {
            for theme in [Theme::LIGHT, Theme::DARK] {
                let look = theme.look(Colour::of(number));
                for ground in [theme.surface, theme.ground] {
                    prop_assert!(look.accent.contrast(ground) >= READABLE);
                    prop_assert!(look.accent_strong.contrast(ground) >= READABLE);
                    prop_assert!(look.button.contrast(ground) >= DISTINCT);
                }
                prop_assert!(look.on_button.contrast(look.button) >= READABLE);
                prop_assert!(look.on_button.contrast(look.button_strong) >= READABLE);
            }
        }
    }
}
