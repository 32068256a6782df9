#include "platform/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/ovf.h"

namespace diatom::platform {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Xml, ReadsElementsAttributesAndText) {
    const auto root = parse_xml(
        "\xef\xbb\xbf<?xml version=\"1.0\"?><!-- c --><a:r x='1' b:y=\"&lt;&#65;&#x20ac;\"> t <b><c/></b>"
        "<b>2<![CDATA[<&]]></b>u&amp;<!-- - --></a:r >\n",
        "x");
    ASSERT_TRUE(root) << root.error().what();
    EXPECT_EQ(root->name, "r");
    EXPECT_EQ(root->attribute("x"), "1");
    EXPECT_EQ(root->attribute("y"), "<A\xe2\x82\xac");
    EXPECT_EQ(root->attribute("z"), "");
    EXPECT_EQ(root->text, " t u&");
    ASSERT_EQ(root->children.size(), 2U);
    EXPECT_NE(root->find({"b", "c"}), nullptr);
    EXPECT_EQ(root->find({"b", "d"}), nullptr);
    EXPECT_EQ(root->children[1].text, "2<&");
}

TEST(Xml, RefusesWhatIsMalformedWithoutQuotingIt) {
    for (const auto* text : {"",
                             "hunter2",
                             "<hunter2",
                             "<a>",
                             "<a></b>",
                             "<a/><b/>",
                             "<a x=1/>",
                             "<a x/>",
                             "<a x='1/>",
                             "<a>&hunter2;</a>",
                             "<a>&#0;</a>",
                             "<a>&#xd800;</a>",
                             "<a>&#99999999999999999999;</a>",
                             "<a>&#;</a>",
                             "<a>& </a>",
                             "<a x='<'/>",
                             "<!DOCTYPE a [<!ENTITY e 'e'>]><a>&e;</a>",
                             "<a><!DOCTYPE b></a>",
                             "<a><!--</a>",
                             "<a><![CDATA[</a>",
                             "<a></>",
                             "<a></a",
                             "<a>hunter2</a>hunter2"}) {
        const auto got = parse_xml(text, "ovf-env.xml");
        ASSERT_FALSE(got) << text;
        EXPECT_EQ(got.error().kind(), Kind::invalid);
        EXPECT_THAT(got.error().what(), ::testing::AllOf(HasSubstr("ovf-env.xml"), Not(HasSubstr("hunter2")))) << text;
    }
}

TEST(Xml, IsBounded) {
    std::string deep, wide = "<a>";
    for (int i = 0; i < 1000; ++i) deep += "<a>";
    for (std::size_t i = 0; i <= kMaxXmlElements; ++i) wide += "<b/>";
    EXPECT_FALSE(parse_xml(deep, "x"));
    EXPECT_FALSE(parse_xml(wide + "</a>", "x"));
    EXPECT_EQ(parse_xml(std::string(kMaxXml + 1, ' '), "x").error().kind(), Kind::exhausted);
}

TEST(Xml, EscapedTextReadsBack) {
    const std::string text = "a<b>&\"c\x01";
    const auto root = parse_xml("<a b=\"" + escape_xml(text) + "\">" + escape_xml(text) + "</a>", "x");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->text, "a<b>&\"c?");
    EXPECT_EQ(root->attribute("b"), root->text);
}

TEST(Ovf, AzuresProvisioning) {
    const auto made = parse_azure_ovf(
        R"(<Environment xmlns:wa="w"><wa:ProvisioningSection><wa:LinuxProvisioningConfigurationSet>
<HostName>web</HostName><UserName>core</UserName><CustomData></CustomData>
<DisableSshPasswordAuthentication>true</DisableSshPasswordAuthentication><SSH><PublicKeys>
<PublicKey><Fingerprint>F</Fingerprint><Path>/home/core/.ssh/authorized_keys</Path><Value>ssh-rsa AAAA</Value></PublicKey>
<PublicKey><Fingerprint>F2</Fingerprint></PublicKey></PublicKeys></SSH>
</wa:LinuxProvisioningConfigurationSet></wa:ProvisioningSection></Environment>)",
        "x");
    ASSERT_TRUE(made) << made.error().what();
    EXPECT_EQ(made->hostname + made->user_name, "webcore");
    EXPECT_FALSE(made->has_password || made->password_logins);
    EXPECT_EQ(made->custom_data, "");
    EXPECT_THAT(made->public_keys, ElementsAre("ssh-rsa AAAA"));
    EXPECT_EQ(parse_azure_ovf("<Environment/>", "x").error().kind(), Kind::not_found);
    EXPECT_EQ(parse_azure_ovf("<Other/>", "x").error().kind(), Kind::invalid);
    EXPECT_EQ(parse_azure_ovf("<Environment><ProvisioningSection><LinuxProvisioningConfigurationSet><CustomData>*"
                              "</CustomData></LinuxProvisioningConfigurationSet></ProvisioningSection></Environment>",
                              "x")
                  .error()
                  .kind(),
              Kind::corrupt);
}

TEST(Ovf, Properties) {
    const auto properties = parse_ovf_properties(
        R"(<Environment xmlns:oe="e"><PlatformSection/><PropertySection><Property oe:key="hostname" oe:value="a&amp;b"/>
<Property oe:key="user-data" oe:value=""/><Other oe:key="x"/></PropertySection></Environment>)",
        "x");
    ASSERT_TRUE(properties);
    EXPECT_THAT(*properties, ElementsAre(std::pair("hostname", "a&b"), std::pair("user-data", "")));
    EXPECT_TRUE(parse_ovf_properties("<Environment/>", "x")->empty());
}

}  // namespace
}  // namespace diatom::platform
