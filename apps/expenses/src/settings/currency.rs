/// A currency of ISO 4217 whose minor unit is the hundredth, as amounts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Currency(&'static str);

/// A text that is no such currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidCurrency {
    #[error("not a currency: use the three letters of ISO 4217, such as GBP")]
    Unknown,
    #[error("{0} has no hundredths, in which amounts are kept here: choose another")]
    OtherUnit(&'static str),
}

/// Active currencies of two decimals.
const OF_HUNDREDTHS: [&str; 127] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB", "BRL",
    "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP",
    "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL",
    "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN",
    "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB",
    "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
    "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "WST", "XCD", "YER", "ZAR",
];

/// Those with thousandths, or with nothing smaller than themselves.
const OF_OTHER_UNITS: [&str; 22] = [
    "BHD", "BIF", "CLP", "DJF", "GNF", "IQD", "ISK", "JOD", "JPY", "KMF", "KRW", "KWD", "LYD", "OMR", "PYG", "RWF",
    "TND", "UGX", "VND", "VUV", "XAF", "XPF",
];

impl Currency {
    /// Those to choose from.
    pub(super) const ALL: &[&str] = &OF_HUNDREDTHS;

    pub(super) fn code(self) -> &'static str {
        self.0
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        let code = text.trim().to_ascii_uppercase();
        if let Some(code) = OF_HUNDREDTHS.iter().find(|known| **known == code) {
            return Ok(Self(code));
        }
        let other = OF_OTHER_UNITS.iter().find(|known| **known == code);
        Err(other.map_or(InvalidCurrency::Unknown, |code| InvalidCurrency::OtherUnit(code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_one_of_the_list_in_any_case() {
        assert_eq!(Currency::try_from(" eur".to_owned()).map(Currency::code), Ok("EUR"));
        for text in ["", "EU", "EURO", "€", "XXX", "ABC", "<b>"] {
            assert_eq!(Currency::try_from(text.to_owned()), Err(InvalidCurrency::Unknown), "{text}");
        }
        assert!(Currency::try_from("JPY".to_owned()).unwrap_err().to_string().starts_with("JPY has no hundredths"));
        assert!(OF_HUNDREDTHS.is_sorted() && OF_OTHER_UNITS.is_sorted());
    }
}
