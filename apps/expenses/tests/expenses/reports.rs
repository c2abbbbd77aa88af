use freehold::tenant::Model;
use serde_json::{Value, json};

use crate::support::Site;

#[tokio::test]
async fn reports_count_and_sum_everything_but_what_was_rejected() {
    Site::under_each_model(async |twins| {
        let ann = twins.a;
        for report in ["monthly", "by-unit"] {
            assert_eq!(ann.get(&format!("/api/reports/{report}")).await.expect(200).json(), json!({"rows": []}));
        }
        for (date, amount, unit, status) in [
            ("2025-12-31", "0.10", "Works", "submitted"),
            ("2026-01-01", "0.20", "Works", "approved"),
            ("2026-01-31", "-1000.05", "", "paid"),
            ("2026-01-15", "500.00", "Works", "rejected"),
            ("2026-03-01", "92233720368547758.07", "Ärger", "paid"),
            ("2026-03-02", "92233720368547758.07", "Ärger", "paid"),
        ] {
            ann.add(json!({"date": date, "amount": amount, "unit": unit, "status": status})).await;
        }
        assert_eq!(
            ann.get("/api/reports/monthly").await.expect(200).json(),
            json!({"rows": [
                {"month": "2025-12", "count": 1, "total": "0.10"},
                {"month": "2026-01", "count": 2, "total": "-999.85"},
                {"month": "2026-03", "count": 2, "total": "184467440737095516.14"},
            ]})
        );
        let mut by_unit = ann.get("/api/reports/by-unit").await.expect(200).json()["rows"].as_array().unwrap().clone();
        by_unit.sort_by_key(|row| row["unit"].to_string());
        assert_eq!(
            json!(by_unit),
            json!([
                {"unit": "", "count": 1, "total": "-1000.05"},
                {"unit": "Works", "count": 2, "total": "0.30"},
                {"unit": "Ärger", "count": 2, "total": "184467440737095516.14"},
            ])
        );
        assert_eq!(twins.b.get("/api/reports/monthly").await.expect(200).json(), json!({"rows": []}));
        assert!(twins.b.page("/reports?from=&to=").await.shows(200, "Nothing was spent").contains("No expense fits"));
    })
    .await;
}

#[tokio::test]
async fn suppliers_are_ranked_by_sum_and_the_rest_is_told() {
    Site::under_each_model(async |twins| {
        let ann = twins.a;
        let nothing = json!({"rows": [], "others": {"suppliers": 0, "count": 0, "total": "0.00"}});
        assert_eq!(ann.get("/api/reports/by-supplier").await.expect(200).json(), nothing);
        for (date, amount, supplier, unit, category, status) in [
            ("2026-01-10", "5.00", "Bakery", "Works", "food", "paid"),
            ("2026-02-10", "7.50", "Bakery", "Sales", "food", "approved"),
            ("2026-02-28", "100.00", "Bank", "Works", "", "paid"),
            ("2026-03-01", "-20.00", "Cafe <b>", "Works", "food", "paid"),
            ("2026-03-31", "1.00", "", "", "", "submitted"),
            ("2026-03-31", "900.00", "Bank", "Works", "", "rejected"),
        ] {
            let expense = json!({"date": date, "amount": amount, "supplier": supplier, "unit": unit, "category": category, "status": status});
            ann.add(expense).await;
        }
        let row = |supplier: &str, count: i64, total: &str| json!({"supplier": supplier, "count": count, "total": total});
        assert_eq!(
            ann.get("/api/reports/by-supplier?limit=2").await.expect(200).json(),
            json!({"rows": [row("Bank", 1, "100.00"), row("Bakery", 2, "12.50")], "others": {"suppliers": 2, "count": 2, "total": "-19.00"}})
        );
        // Whole months and parts of them, units and categories, one and none and unknown.
        for (query, rows) in [
            ("from=2026-02-01&to=2026-02-28", vec![row("Bank", 1, "100.00"), row("Bakery", 1, "7.50")]),
            ("from=2026-01-11&to=2026-03-01", vec![row("Bank", 1, "100.00"), row("Bakery", 1, "7.50"), row("Cafe <b>", 1, "-20.00")]),
            ("from=2026-02-10&to=2026-02-10", vec![row("Bakery", 1, "7.50")]),
            ("from=2026-02-11&to=2026-02-10", vec![]),
            ("unit=Works&category=food", vec![row("Bakery", 1, "5.00"), row("Cafe <b>", 1, "-20.00")]),
            ("unit=", vec![row("", 1, "1.00")]),
            ("category=&to=2026-03-30", vec![row("Bank", 1, "100.00")]),
            ("unit=Nobody", vec![]),
        ] {
            let report = ann.get(&format!("/api/reports/by-supplier?{query}")).await.expect(200).json();
            assert_eq!(report["rows"], json!(rows), "{query}");
            for (path, key) in [("monthly", "month"), ("by-unit", "unit")] {
                let other = ann.get(&format!("/api/reports/{path}?{query}")).await.expect(200).json();
                let sum = |rows: &Value| rows.as_array().unwrap().iter().map(|row| pence(&row["total"])).sum::<i128>();
                assert_eq!(sum(&other["rows"]), sum(&report["rows"]), "{query}: {key}");
            }
        }
        for query in ["limit=0", "limit=1001", "limit=x", "from=yesterday", "to=2026-02-30"] {
            ann.get(&format!("/api/reports/by-supplier?{query}")).await.expect(422);
        }
        assert_eq!(twins.b.get("/api/reports/by-supplier").await.expect(200).json(), nothing);

        let page = ann.page("/reports").await.shows(200, "£93.50");
        assert!(page.contains("value=\"2025-04-01\"") && page.contains("value=\"2026-03-31\""), "the last months that have expenses");
        assert!(page.contains("Cafe &#60;b&#62;") && !page.contains("Cafe <b>"));
        assert!(page.contains("class=\"bar credit\""));
        let february = "/expenses?from=2026-02-01&#38;to=2026-02-28\" aria-label=\"February 2026: £107.50, 2 expenses\"";
        assert!(page.contains(february), "{page}");
        assert!(page.contains("/expenses?from=2025-04-01&#38;supplier=Bakery&#38;to=2026-03-31"), "{page}");
        ann.page("/reports?from=2026-02-01&to=2026-02-28&unit=Works").await.shows(200, "£100.00");
        ann.page("/reports?from=31.1.2026").await.shows(422, "Not a date");
        let overview = ann.page("/").await.shows(200, "Spending by month");
        assert!(overview.contains("<svg"));
        assert!(!twins.b.page("/").await.text().contains("<svg"));
    })
    .await;
}

#[tokio::test]
async fn a_page_with_absurd_dates_amounts_and_names_is_still_a_page() {
    let site = Site::start().await;
    let ann = site.organisation("acme", Model::Shared).await;
    let long = "é".repeat(100_000);
    let file = format!(
        "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n\
         0001-01-01,92233720368547758.07,{long},{long},,\n0001-01-02,92233720368547758.07,{long},{long},,\n\
         9999-12-31,-92233720368547758.07,\u{202e},=1+1,,\n2026-01-31,0,,,,\n"
    );
    ann.import(file).await.expect(200);
    let page = ann.page("/reports?from=&to=").await.shows(200, "December 9999");
    assert!(page.len() < 200_000, "a name is cut: {}", page.len());
    assert!(page.contains("£184,467,440,737,095,516.14") && page.contains("-£92,233,720,368,547,758.07"), "{page}");
    ann.page("/reports?from=0001-01-02&to=9999-12-30").await.shows(200, "January 0001");
    ann.page("/reports?from=9999-12-31&to=0001-01-01").await.shows(200, "Nothing was spent");
    ann.page(&format!("/reports?unit={}", "x".repeat(5_000))).await.shows(200, "Nothing was spent");
    ann.page("/reports").await.shows(200, "Reports");
}

/// A total of an answer, in pence.
fn pence(total: &Value) -> i128 {
    total.as_str().unwrap().replace('.', "").parse().unwrap()
}
