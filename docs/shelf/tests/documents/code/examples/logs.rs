use std::error::Error;

use freehold::Freehold;
use freehold::gate::{RequestLog, Tenancy};
use freehold::resolve::Chain;

fn logged(freehold: Freehold, chain: Chain) -> Result<Tenancy, Box<dyn Error>> {
    let log = RequestLog::new().trusting(["10.0.0.0/8".parse()?]);
    let tenancy = Tenancy::new(&freehold, chain).logged(log);
    Ok(tenancy)
}
