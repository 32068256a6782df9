#include <gtest/gtest.h>

#include "api/http.h"

namespace diatom::api {
namespace {

Result<Request> decode(std::string_view head) { return decode_head(head); }

TEST(HttpHead, DecodesVersionPathAndQuery) {
    const auto request =
        decode("GET /v1.43/containers/json?all=1&filters=%7B%22a%22%3A%5B%5D%7D&name=a+b HTTP/1.1\r\nHost: x");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->minor_version, 43);
    EXPECT_EQ(request->path, "/containers/json");
    EXPECT_TRUE(request->flag("all"));
    EXPECT_EQ(request->param("filters"), "{\"a\":[]}");
    EXPECT_EQ(request->param("name"), "a b");
}

TEST(HttpHead, PathsThatBeginWithVAreNotVersions) {
    EXPECT_EQ(decode("GET /volumes HTTP/1.1")->path, "/volumes");
    EXPECT_EQ(decode("GET /version HTTP/1.1")->path, "/version");
    EXPECT_EQ(decode("GET /v1.24 HTTP/1.1")->path, "/");
}

TEST(HttpHead, RefusesWhatItCannotRead) {
    for (const auto* head : {"", "GET", "GET /", "GET / HTTP/2.0", "GE T / HTTP/1.1", "GET x HTTP/1.1",
                             "GET /%zz HTTP/1.1", "GET /%00 HTTP/1.1", "GET /v2.0/info HTTP/1.1",
                             "GET /v1.x/info HTTP/1.1", "GET / HTTP/1.1\r\nno colon", "GET / HTTP/1.1\r\nbad name: 1",
                             "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", "GET / HTTP/1.1\r\na: \x01"}) {
        const auto request = decode(head);
        ASSERT_FALSE(request) << head;
        EXPECT_EQ(request.error().kind(), Kind::invalid) << head;
    }
}

TEST(HttpHead, RefusesControlCharactersInTheTarget) {
    for (const char c : {'\0', '\x01', '\t', '\r', '\x7f'}) {
        const std::string head = std::string("GET /a") + c + "b?x HTTP/1.1";
        EXPECT_EQ(decode(head).error().kind(), Kind::invalid) << int{c};
    }
    EXPECT_EQ(decode("GET /\xc3\xa9 HTTP/1.1")->path, "/\xc3\xa9");
}

TEST(HttpHead, BooleansAreDockers) {
    const auto request = decode("GET /x?a=1&b=0&c=false&d=yes&e=&f=No&g HTTP/1.1");
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->flag("a"));
    EXPECT_FALSE(request->flag("b", true));
    EXPECT_FALSE(request->flag("c", true));
    EXPECT_TRUE(request->flag("d"));
    EXPECT_FALSE(request->flag("e", true));
    EXPECT_FALSE(request->flag("f", true));
    EXPECT_TRUE(request->flag("absent", true));
}

TEST(HttpHead, UpgradeNeedsBothHeaders) {
    EXPECT_TRUE(decode("POST /x HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp")->upgrade());
    EXPECT_FALSE(decode("POST /x HTTP/1.1\r\nUpgrade: tcp")->upgrade());
    EXPECT_FALSE(decode("POST /x HTTP/1.1\r\nConnection: close")->keep_alive);
    EXPECT_FALSE(decode("POST /x HTTP/1.0")->keep_alive);
}

TEST(HttpHead, EveryKindHasAStatus) {
    EXPECT_EQ(http_status(Kind::invalid), 400);
    EXPECT_EQ(http_status(Kind::not_found), 404);
    EXPECT_EQ(http_status(Kind::conflict), 409);
    EXPECT_EQ(http_status(Kind::unsupported), 501);
    EXPECT_EQ(http_status(Kind::io), 500);
}

}  // namespace
}  // namespace diatom::api
