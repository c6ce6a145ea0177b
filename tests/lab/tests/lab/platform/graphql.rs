//! GraphQL: authorization, paging, the documents that clients send, mutations.

use roundsman_lab::{Lab, LabOptions};
use serde_json::{Value, json};

use super::{call, graphql, lab};

const SWEEP: &str = r#"query Sweep($org: ID, $after: String, $first: Int!) {
  apps(organizationId: $org, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id name status state deployed network cnameTarget sharedIpAddress
      certificates(first: 10) { totalCount pageInfo { hasNextPage endCursor }
        nodes { id hostname clientStatus isConfigured isWildcard source certificateAuthority rateLimitedUntil createdAt
                issued(first: 4) { nodes { type expiresAt } } validationErrors { errorCode message remediation timestamp } } }
      ipAddresses(first: 20) { nodes { address type region } }
      machines(first: 10) { totalCount nodes { id state region updatedAt config
        events(last: 1, kind: "exit") { nodes { kind timestamp ... on MachineEventExit { exitCode oomKilled requestedStop } } } } } } } }"#;

async fn sweep(lab: &Lab, first: usize) -> Vec<Value> {
    let mut apps = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "first": first, "after": after });
        let body = graphql(lab, SWEEP, variables).await;
        assert_eq!(body.get("errors"), None);
        let page = &body["data"]["apps"];
        apps.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            assert_eq!(page["totalCount"], json!(apps.len()));
            return apps;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn app<'a>(apps: &'a [Value], name: &str) -> &'a Value {
    apps.iter().find(|app| app["name"] == name).unwrap()
}

#[tokio::test]
async fn a_sweep_sees_every_app_page_by_page() {
    let lab = lab(&["app-crashed@a3b1=oom", "certificate-awaiting-configuration@c04e"]).await;
    let apps = sweep(&lab, 5).await;
    assert_eq!(apps.len(), 12 + 4);
    assert_eq!(lab.counters().api["graphql/Sweep"], 4);
    let healthy = &app(&apps, "sp-q7f9")["machines"]["nodes"][0];
    assert_eq!(healthy["state"], "started");
    assert_eq!(
        healthy["config"]["image"],
        "registry.fly.io/sp-q7f9:deployment-01LABQ7F9"
    );
    assert_eq!(healthy["config"]["services"][0]["autostart"], json!(true));
    assert_eq!(app(&apps, "sp-q7f9")["certificates"]["totalCount"], json!(0));
    let exit = &app(&apps, "sp-a3b1")["machines"]["nodes"][0]["events"]["nodes"][0];
    assert_eq!((&exit["exitCode"], &exit["oomKilled"]), (&json!(137), &json!(true)));
    let edge = app(&apps, "management-api-prod");
    assert_eq!(edge["ipAddresses"]["nodes"][1]["address"], "::1");
    let certificates = edge["certificates"]["nodes"].as_array().unwrap();
    assert_eq!(certificates[0]["hostname"], "*.tenants.test");
    assert_eq!(certificates[0]["clientStatus"], "Ready");
    assert_eq!(certificates[0]["issued"]["nodes"][0]["type"], "ecdsa");
    assert_eq!(certificates[1]["clientStatus"], "Awaiting configuration");
    assert_eq!(
        certificates[1]["validationErrors"][0]["errorCode"],
        "DNS_NOT_CONFIGURED"
    );
}

#[tokio::test]
async fn ten_thousand_tenants_are_swept_quickly() {
    let options = LabOptions {
        platform: true,
        ..LabOptions::with_tenants(10_000)
    };
    let lab = Lab::start(options).await.unwrap();
    assert_eq!(sweep(&lab, 100).await.len(), 10_004);
}

#[tokio::test]
async fn pages_that_are_too_large_are_refused() {
    let lab = lab(&[]).await;
    let ask = async |first: usize| graphql(&lab, SWEEP, json!({ "first": first })).await;
    let refused = ask(101).await;
    assert!(
        refused["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("page too large")
    );
    assert_eq!(refused["data"]["apps"], Value::Null);
    lab.limit_pages(10);
    // The sweep asks for 20 addresses below.
    assert!(ask(11).await["errors"].is_array());
    let small = "query { apps(first: 10) { nodes { name } edges { cursor node { name } } } }";
    let body = graphql(&lab, small, json!({})).await;
    assert_eq!(body["data"]["apps"]["nodes"].as_array().unwrap().len(), 10);
    assert_eq!(
        body["data"]["apps"]["edges"][3]["node"],
        body["data"]["apps"]["nodes"][3]
    );
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let lab = lab(&[]).await;
    let body = json!({ "query": "{ apps { totalCount } }" }).to_string();
    for token in ["", "Bearer nonsense"] {
        assert_eq!(call(&lab, "POST", "/graphql", token, &body).await.status, 401);
    }
    assert_eq!(
        call(&lab, "POST", "/graphql", "Bearer fm2_lab", &body).await.status,
        200
    );
    lab.stage("platform-api-unauthorized".parse().unwrap()).await.unwrap();
    assert_eq!(
        call(&lab, "POST", "/graphql", "Bearer fm2_lab", &body).await.status,
        401
    );
}

#[tokio::test]
async fn what_the_schema_does_not_have_is_an_error() {
    let lab = lab(&[]).await;
    let message = async |query: &str| {
        let body = graphql(&lab, query, json!({})).await;
        body["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        message("{ apps { nodes { flavour } } }").await,
        "Field 'flavour' doesn't exist on type 'App'"
    );
    assert!(
        message("{ apps(colour: 1) { totalCount } }")
            .await
            .contains("argument 'colour'")
    );
    assert!(
        message("{ apps { nodes { machines } } }")
            .await
            .contains("must have selections")
    );
    assert!(
        message("query($n: Int!) { apps(first: $n) { totalCount } }")
            .await
            .contains("$n")
    );
    assert!(
        message("{ apps(first: $n) { totalCount } }")
            .await
            .contains("not declared")
    );
    assert!(message("{ apps {").await.starts_with("Parse error"));
    assert_eq!(
        message("{ app(name: \"sp-nobody\") { name } }").await,
        "Could not find App"
    );
}

#[tokio::test]
async fn aliases_fragments_and_the_organization_work() {
    let lab = lab(&["explicit-ready@q7f9"]).await;
    let query = r#"query Mixed($host: String!, $no: Boolean = false) {
      a0: app(name: "management-api-prod") { ...Edge hidden: name @include(if: $no) }
      a1: app(name: "sp-q7f9") { __typename certificate(hostname: $host) { clientStatus } }
      organization(slug: "lab") { id slug allowAllCrossNetworkReplays allowedReplaySourceOrgSlugs apps(first: 1) { totalCount } } }
      fragment Edge on App { certificate(hostname: $host) { hostname clientStatus source }
        wildcard: certificates(filter: "*.") { nodes { dnsValidationHostname dnsValidationTarget isAcmeDnsConfigured } } }"#;
    let body = graphql(&lab, query, json!({ "host": "q7f9.tenants.test" })).await;
    let data = &body["data"];
    assert_eq!(data["a0"]["certificate"]["source"], "fly");
    assert_eq!(data["a0"].get("hidden"), None);
    let wildcard = &data["a0"]["wildcard"]["nodes"][0];
    assert_eq!(wildcard["dnsValidationHostname"], "_acme-challenge.tenants.test");
    assert_eq!(wildcard["dnsValidationTarget"], "tenants.test.lab.flydns.test");
    assert_eq!(data["a1"], json!({ "__typename": "App", "certificate": null }));
    assert_eq!(data["organization"]["allowAllCrossNetworkReplays"], json!(false));
    let by_id = "query($id: ID) { apps(organizationId: $id) { totalCount } }";
    let body = graphql(&lab, by_id, json!({ "id": data["organization"]["id"] })).await;
    assert_eq!(body["data"]["apps"]["totalCount"], json!(16));
}

#[tokio::test]
async fn mutations_change_the_account_and_are_counted() {
    let lab = lab(&["certificate-conflict@q7f9"]).await;
    let remove = "mutation($appId: ID!, $hostname: String!) { deleteCertificate(appId: $appId, hostname: $hostname) { app { name certificates { totalCount } } certificate { hostname } errors } }";
    let variables = json!({ "appId": "sp-q7f9", "hostname": "q7f9.tenants.test" });
    let body = graphql(&lab, remove, variables.clone()).await;
    let done = &body["data"]["deleteCertificate"];
    assert_eq!(done["app"]["certificates"]["totalCount"], json!(0));
    assert_eq!(done["certificate"]["hostname"], "q7f9.tenants.test");
    assert!(graphql(&lab, remove, variables).await["errors"].is_array());
    let check = "mutation Check($input: CheckCertificateInput!) { checkCertificate(input: $input) { certificate { hostname } check { aRecords caaRecords isProxied } } }";
    let input = json!({ "input": { "appId": "management-api-prod", "hostname": "*.tenants.test" } });
    let body = graphql(&lab, check, input).await;
    assert_eq!(body["data"]["checkCertificate"]["check"]["isProxied"], json!(false));
    assert_eq!(lab.counters().writes, 3);
    assert_eq!(lab.writes()[2], "mutation Check");
}

#[tokio::test]
async fn a_region_in_the_dark_is_partial() {
    let lab = lab(&["platform-api-unavailable=region:lhr"]).await;
    let body = graphql(&lab, SWEEP, json!({ "first": 100 })).await;
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors[0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    let apps = body["data"]["apps"]["nodes"].as_array().unwrap();
    assert_eq!(apps.len(), 16);
    let lhr = |app: &&Value| app["machines"]["nodes"].as_array().unwrap().contains(&Value::Null);
    assert_eq!(apps.iter().filter(lhr).count(), errors.len());
}
