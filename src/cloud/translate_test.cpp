#include "cloud/translate.h"

#include "cloud/instance.h"
#include "cloud/testing/translated.h"

namespace diatom::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json;
using testing::texts;

TEST(Translate, PartsAreMergedAndVendorsAreBelow) {
    const std::string_view user =
        "#cloud-config-archive\n- {type: text/cloud-config, content: 'runcmd: [a]'}\n"
        "- {type: text/cloud-config, content: 'runcmd: [b]', Merge-Type: 'list(append)+dict(recurse_list)'}\n"
        "- {content: \"#!/bin/sh\\nuser\"}\n";
    const std::string_view vendor = "#cloud-config-archive\n- 'timezone: UTC'\n- 'runcmd: [v]'\n- '#!/bin/sh'\n";
    const auto taken = translate_user_data({.user_data = user, .vendor_data = vendor}, {}, {});
    EXPECT_THAT(texts(taken.translation.warnings), IsEmpty());
    EXPECT_EQ(json(taken.translation.document), R"({"time":{"zone":"UTC"},"commands":{"run":["a","b"]}})");
    ASSERT_EQ(taken.scripts.size(), 2U);
    EXPECT_EQ(taken.scripts[0].file, "vendor-data");
    EXPECT_EQ(taken.scripts[1].content, "#!/bin/sh\nuser");
}

TEST(Translate, TheUserMayRefuseTheVendor) {
    const auto taken = translate_user_data({.user_data = "#cloud-config\nvendor_data: {enabled: no}\n",
                                            .vendor_data = "#cloud-config\nhostname: vendor\n"},
                                           {}, {});
    EXPECT_EQ(json(taken.translation.document), "{}");
    EXPECT_THAT(texts(taken.translation.warnings), IsEmpty());
}

TEST(Translate, APartThatIsWrongCostsNoOther) {
    const auto taken =
        translate_user_data({.user_data = "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
                                          "boundary=b\n\n--b\nContent-Type: text/cloud-config\n\na: [\n"
                                          "--b\nContent-Type: text/cloud-config\n\nhostname: x\n--b\nContent-Type: "
                                          "text/cloud-config\n\nmerge_how: odd\n--b--\n"},
                            {}, {});
    EXPECT_EQ(json(taken.translation.document), R"({"hostname":"x"})");
    EXPECT_THAT(texts(taken.translation.warnings),
                ElementsAre(HasSubstr("user-data:7: not valid YAML"), HasSubstr("\"odd\" is not like list(append)")));
}

TEST(Translate, IgnitionIsHandedOn) {
    const auto taken = translate_user_data({.user_data = R"({"ignition": {"version": "3.4.0"}})"}, {}, {});
    ASSERT_EQ(taken.ignition.size(), 1U);
    EXPECT_THAT(texts(taken.translation.warnings), IsEmpty());
}

TEST(Translate, TemplatesSeeTheInstance) {
    const auto meta_data =
        read_meta_data("instance-id: i-7\nlocal-hostname: web\npublic-keys: ssh-rsa AAAA x\n", "meta-data");
    ASSERT_TRUE(meta_data);
    const auto data = instance_data(*meta_data, {.cloud_name = "nocloud"});
    Sources sources;
    sources.instance_data = &data;
    const auto taken =
        translate_user_data({.user_data = "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}-{{ "
                                          "ds.meta_data['instance-id'] }}\nshel: x\n"},
                            sources, {});
    EXPECT_EQ(json(taken.translation.document), R"({"hostname":"web-i-7"})");
    EXPECT_THAT(texts(taken.translation.warnings), ElementsAre(HasSubstr("user-data:4: shel: unknown key")));
}

TEST(MetaData, IsReadInItsForms) {
    const auto nocloud = read_meta_data(
        "instance-id: 7\nlocal-hostname: a\npublic-keys: {k: {openssh-key: ssh-rsa AAAA}}\nnetwork-interfaces: x\n",
        "m");
    ASSERT_TRUE(nocloud);
    EXPECT_EQ(nocloud->instance_id, "7");
    EXPECT_EQ(nocloud->hostname, "a");
    EXPECT_THAT(nocloud->public_keys, ElementsAre("ssh-rsa AAAA"));
    EXPECT_THAT(texts(nocloud->warnings), ElementsAre(HasSubstr("/etc/network/interfaces is not read")));
    EXPECT_EQ(json(machine_of(*nocloud)), R"({"hostname":"a","ssh_authorized_keys":["ssh-rsa AAAA"]})");
    const auto drive = read_meta_data(
        R"({"uuid": "u-1", "hostname": "h", "public_keys": {"mine": "ssh-rsa AAAA\nssh-rsa BBBB\n"}})", "m");
    ASSERT_TRUE(drive);
    EXPECT_EQ(drive->instance_id, "u-1");
    EXPECT_THAT(drive->public_keys, ElementsAre("ssh-rsa AAAA", "ssh-rsa BBBB"));
    EXPECT_THAT(public_keys_of(testing::read("a: [ssh-rsa AAAA, '']").at("a")), ElementsAre("ssh-rsa AAAA"));
    EXPECT_FALSE(read_meta_data("a: [", "m"));
    EXPECT_EQ(read_meta_data("", "m")->instance_id, "");
}

}  // namespace
}  // namespace diatom::cloud
