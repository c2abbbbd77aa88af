use freehold_control::{ControlError, ControlPlane};
use uuid::Uuid;

async fn usage(control: &ControlPlane) -> Result<(), ControlError> {
    let mut operator = control
        .operator("ann@example.com", "usage of the last month")
        .await?;
    for placement in operator.placements() {
        let usage = operator.read(&placement).await?;
        for row in usage
            .query(
                "select tenant_id, count(*) from expenses group by tenant_id",
                &[],
            )
            .await?
        {
            println!("{} {}", row.get::<_, Uuid>(0), row.get::<_, i64>(1));
        }
    }
    Ok(())
}
