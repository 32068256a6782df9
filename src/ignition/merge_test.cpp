#include "ignition/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ignition/data_url.h"
#include "ignition/ignition.h"

namespace diatom::ignition {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string config(std::string_view rest, std::string_view version = "3.4.0") {
    return std::format(R"({{"ignition":{{"version":"{}"}}{}{}}})", version, rest.empty() ? "" : ",", rest);
}

std::string merged(std::string_view parent, std::string_view child) {
    const auto lower = read_ignition(config(parent), "parent"), higher = read_ignition(config(child), "child");
    EXPECT_THAT(lower.report.problems, IsEmpty());
    EXPECT_THAT(higher.report.problems, IsEmpty());
    auto document = merge(lower.document, higher.document);
    document.erase("ignition");
    return to_json(document, JsonStyle::compact);
}

TEST(IgnitionMerge, TheChildHolds) {
    EXPECT_EQ(merged(R"("storage":{"files":[{"path":"/a","mode":420,"contents":{"source":"data:,1"}}]})",
                     R"("storage":{"files":[{"path":"/a","contents":{"source":"data:,2"}}]})"),
              R"({"storage":{"files":[{"path":"/a","contents":{"source":"data:,2"},"mode":420}]}})");
    EXPECT_EQ(merged(R"("passwd":{"users":[{"name":"core","uid":1,"groups":["a","b"]}]})",
                     R"("passwd":{"users":[{"name":"new"},{"name":"core","uid":2,"groups":["b","c"]}]})"),
              R"({"passwd":{"users":[{"name":"core","uid":2,"groups":["a","b","c"]},{"name":"new"}]}})");
}

TEST(IgnitionMerge, FilesDirectoriesAndLinksAreOneFamily) {
    EXPECT_EQ(merged(R"("storage":{"files":[{"path":"/a"},{"path":"/b"}]})",
                     R"("storage":{"links":[{"path":"/a","target":"/b"}]})"),
              R"({"storage":{"files":[{"path":"/b"}],"links":[{"path":"/a","target":"/b"}]}})");
    EXPECT_EQ(merged(R"("kernelArguments":{"shouldExist":["a","b"]})", R"("kernelArguments":{"shouldNotExist":["a"]})"),
              R"({"kernelArguments":{"shouldExist":["b"],"shouldNotExist":["a"]}})");
}

TEST(IgnitionMerge, ArgumentsAreAppended) {
    EXPECT_EQ(
        merged(R"("storage":{"filesystems":[{"device":"/dev/x","format":"ext4","options":["-a"]}]})",
               R"("storage":{"filesystems":[{"device":"/dev/x","options":[],"label":"l","format":"ext4"},
                        {"device":"/dev/y"}]})"),
        R"({"storage":{"filesystems":[{"device":"/dev/x","format":"ext4","label":"l","options":["-a"]},{"device":"/dev/y"}]}})");
    EXPECT_EQ(merged(R"("storage":{"files":[{"path":"/a","append":[{"source":"data:,1"}]}]})",
                     R"("storage":{"files":[{"path":"/a","append":[{"source":"data:,1"}]}]})"),
              R"({"storage":{"files":[{"path":"/a","append":[{"source":"data:,1"},{"source":"data:,1"}]}]}})");
}

TEST(IgnitionMerge, PartitionsGoByNumberThenLabel) {
    EXPECT_EQ(
        merged(
            R"("storage":{"disks":[{"device":"/dev/x","partitions":[{"number":1,"label":"a"},{"label":"b"}]}]})",
            R"("storage":{"disks":[{"device":"/dev/x","partitions":[{"number":1,"sizeMiB":5},{"label":"b","sizeMiB":6}]}]})"),
        R"({"storage":{"disks":[{"device":"/dev/x","partitions":[{"label":"a","number":1,"sizeMiB":5},{"label":"b","sizeMiB":6}]}]}})");
}

TEST(IgnitionMerge, AHeaderWithoutValueTakesOneAway) {
    EXPECT_EQ(
        merged(R"("storage":{"files":[{"path":"/a","contents":{"source":"http://h/","httpHeaders":[
                        {"name":"A","value":"1"},{"name":"B","value":"2"}]}}]})",
               R"("storage":{"files":[{"path":"/a","contents":{"source":"http://h/","httpHeaders":[{"name":"A"}]}}]})"),
        R"({"storage":{"files":[{"path":"/a","contents":{"source":"http://h/","httpHeaders":[{"name":"B","value":"2"}]}}]}})");
}

// Configurations by URL.
Config resolved(const std::string& text, const std::map<std::string, std::string>& web) {
    return resolve(read_ignition(text, "main.ign"), [&](const Request& request) -> diatom::Result<std::string> {
        const auto found = web.find(request.url);
        if (found == web.end()) return fail(Kind::not_found, "404");
        return found->second;
    });
}

std::string referring(std::string_view how, std::string_view rest = {}) {
    return std::format(R"({{"ignition":{{"version":"3.3.0","config":{}}}{}{}}})", how, rest.empty() ? "" : ",", rest);
}

TEST(IgnitionResolve, MergesDepthFirst) {
    const auto result = resolved(
        referring(R"({"merge":[{"source":"http://h/1"},{"source":"http://h/2"}]})",
                  R"("passwd":{"users":[{"name":"core","uid":1}]})"),
        {{"http://h/1",
          referring(R"({"merge":[{"source":"http://h/3"}]})", R"("passwd":{"users":[{"name":"core","uid":2}]})")},
         {"http://h/2", config(R"("passwd":{"users":[{"name":"core","gecos":"two"}]})", "3.0.0")},
         {"http://h/3", config(R"("passwd":{"users":[{"name":"core","uid":3}]})", "3.4.0")}});
    EXPECT_THAT(result.report.problems, IsEmpty());
    EXPECT_EQ(to_json(result.document, JsonStyle::compact),
              R"({"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","uid":3,"gecos":"two"}]}})");
}

TEST(IgnitionResolve, ReplacesAll) {
    const auto result =
        resolved(referring(R"({"replace":{"source":"http://h/1"}})", R"("passwd":{"users":[{"name":"core"}]})"),
                 {{"http://h/1", config(R"("passwd":{"users":[{"name":"other"}]})")}});
    EXPECT_EQ(to_json(result.document, JsonStyle::compact),
              R"({"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"other"}]}})");
}

TEST(IgnitionResolve, SaysWhatCannotBeHad) {
    EXPECT_THAT(resolved(referring(R"({"merge":[{"source":"http://h/x"}]})"), {}).report.problems,
                ElementsAre("main.ign:1: ignition.config.merge[0]: 404"));
    const auto self = referring(R"({"merge":[{"source":"http://h/self"}]})");
    EXPECT_THAT(resolved(self, {{"http://h/self", self}}).report.problems,
                ElementsAre(HasSubstr("below 10 other configurations")));
    EXPECT_THAT(resolved(referring(R"({"replace":{"source":"http://h/1","verification":{"hash":"sha256-)" +
                                   std::string(64, '0') + R"("}}})"),
                         {{"http://h/1", config("")}})
                    .report.problems,
                ElementsAre(HasSubstr("its sha256 is")));
    EXPECT_THAT(resolved(referring(R"({"merge":[{"source":"http://u:p@h/1?t=s"}]})"), {{"http://u:p@h/1?t=s", "{}"}})
                    .report.problems,
                ElementsAre("http://h/1:1: ignition.version: is missing: a text such as \"3.4.0\""));
}

TEST(IgnitionResolve, TwoThatAreRightCanMakeOneThatIsNot) {
    EXPECT_THAT(
        resolved(referring(R"({"merge":[{"source":"http://h/1"}]})", R"("storage":{"files":[{"path":"/a/b"}]})"),
                 {{"http://h/1", config(R"("storage":{"links":[{"path":"/a","target":"/c"}]})")}})
            .report.problems,
        ElementsAre(HasSubstr("leads through a link")));
}

TEST(IgnitionResolve, RequestsGoByWhatTheConfigurationSays) {
    std::vector<Request> requests;
    const auto pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
    const auto text = std::format(
        R"({{"ignition":{{"version":"3.4.0","timeouts":{{"httpResponseHeaders":3,"httpTotal":60}},"proxy":{{"httpProxy":"http://p",
            "noProxy":["h2"]}},"security":{{"tls":{{"certificateAuthorities":[{{"source":"{}"}}]}}}},
            "config":{{"merge":[{{"source":"https://h/1"}},{{"source":"https://h/2"}}]}}}}}})",
        encode_data_url(pem));
    const auto result = resolve(read_ignition(text, "x"), [&](const Request& request) -> diatom::Result<std::string> {
        requests.push_back(request);
        return config("");
    });
    EXPECT_THAT(result.report.problems, IsEmpty());
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[1].access.header_timeout_s, 3);
    EXPECT_EQ(requests[1].access.total_timeout_s, 60);
    EXPECT_EQ(requests[1].access.http_proxy, "http://p");
    EXPECT_THAT(requests[1].access.no_proxy, ElementsAre("h2"));
    EXPECT_EQ(requests[1].access.authorities, pem);
}

}  // namespace
}  // namespace diatom::ignition
