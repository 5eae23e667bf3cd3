//! The image catalogue, as admins keep it.

use crate::house::{House, Person, in_each_house};

const IMAGES: &str = "/api/v1/admin/images";

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_adds_an_image_makes_it_the_default_and_takes_it_out() {
    in_each_house(async |house: House| {
        let admin = async |method: &str, path: &str, body: &str| {
            house.by_token(Person::Admin, method, path, body).await
        };
        let tools = r#"{"name": "team/tools", "reference": "tools:1", "summary": "What we use"}"#;
        let added = admin("POST", IMAGES, tools).await;
        assert_eq!(added.status, 201, "{added:?}");
        let again = admin("POST", IMAGES, tools).await;
        assert_eq!(
            (again.status, again.code().as_deref()),
            (422, Some("image_name_taken"))
        );
        let path = format!("{IMAGES}/team%2Ftools");
        let default = admin("PUT", &format!("{path}/default"), "").await;
        assert_eq!(default.status, 200, "{default:?}");
        assert_eq!(default.json()["default"], true);
        let list = house
            .by_token(Person::Bob, "GET", "/api/v1/images", "")
            .await;
        let list = list.json();
        let found = list["items"].as_array().unwrap().iter();
        let found = found.filter(|image| image["name"] == "team/tools");
        assert_eq!(found.count(), 1, "{list}");
        assert_eq!(admin("DELETE", &path, "").await.status, 204);
        assert_eq!(admin("DELETE", &path, "").await.status, 404);
        house.end().await;
    })
    .await;
}
