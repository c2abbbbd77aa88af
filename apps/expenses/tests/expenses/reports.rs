use serde_json::json;

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
    })
    .await;
}
