#include "dns/message.h"

#include <gtest/gtest.h>

namespace diatom::dns {
namespace {

using namespace std::string_literals;

// A query as a client sends it: number 0x1234, recursion desired.
std::string query_bytes(const std::string& labels, Type type, const std::string& edns = "") {
    std::string bytes = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"s;
    bytes += static_cast<char>(edns.empty() ? 0 : 1);
    bytes += labels + '\0' + '\0' + static_cast<char>(type) + "\x00\x01"s;
    return bytes + edns;
}
const std::string kEdns4096 = "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"s;

Query parsed(const std::string& bytes) {
    auto query = parse_query(bytes);
    EXPECT_TRUE(query) << query.error().what();
    return query ? *query : Query{};
}
Kind refused(const std::string& bytes) {
    const auto query = parse_query(bytes);
    EXPECT_FALSE(query);
    return query ? Kind::bug : query.error().kind();
}
Address four(std::uint8_t last) { return {.family = Address::Family::v4, .bytes = {172, 18, 0, last}}; }

TEST(DnsMessage, AQueryIsReadInLowerCase) {
    const auto query = parsed(query_bytes("\x03Web\x03NET"s, Type::aaaa));
    EXPECT_EQ(query.name, "web.net");
    EXPECT_EQ(query.id, 0x1234);
    EXPECT_EQ(query.type, Type::aaaa);
    EXPECT_TRUE(query.recursion_desired);
    EXPECT_FALSE(query.edns_limit);
    EXPECT_EQ(parsed(query_bytes("\x01x"s, Type::a, kEdns4096)).edns_limit, 4096);
    EXPECT_EQ(parsed(query_bytes("", Type::a)).name, "");
}

TEST(DnsMessage, LabelsThatNoNameOfOursHasAreNoName) {
    const auto query =
        parsed(query_bytes("\x03"
                           "a.b"s,
                           Type::a));
    EXPECT_FALSE(query.printable);
    EXPECT_EQ(query.name, "");
}

TEST(DnsMessage, WhatIsMalformedIsRefused) {
    const auto good = query_bytes("\x03web"s, Type::a);
    for (std::size_t size = 0; size < 12; ++size) EXPECT_EQ(refused(good.substr(0, size)), Kind::corrupt) << size;
    for (std::size_t size = 12; size < good.size(); ++size)
        EXPECT_EQ(refused(good.substr(0, size)), Kind::invalid) << size;
    EXPECT_EQ(refused(query_bytes("\xc0\x0c"s, Type::a)), Kind::invalid) << "a pointer to itself";
    EXPECT_EQ(refused(query_bytes("\x40" + std::string(64, 'a'), Type::a)), Kind::invalid) << "a label of 64 bytes";
    std::string longest;
    for (int i = 0; i < 4; ++i) longest += "\x3f" + std::string(63, 'a');
    EXPECT_EQ(refused(query_bytes(longest, Type::a)), Kind::invalid) << "a name of 257 bytes";
    auto two = good;
    two[5] = 2;
    EXPECT_EQ(refused(two), Kind::invalid);
    auto answer = good;
    answer[2] = '\x81';
    EXPECT_EQ(refused(answer), Kind::corrupt) << "an answer is never answered";
    auto update = good;
    update[2] = '\x29';
    EXPECT_EQ(refused(update), Kind::unsupported);
    auto short_record = query_bytes("\x03web"s, Type::a, kEdns4096);
    short_record.pop_back();
    EXPECT_EQ(refused(short_record), Kind::invalid);
}

TEST(DnsMessage, AnAnswerRepeatsTheQuestionAndGivesTheAddresses) {
    const auto query = parsed(query_bytes("\x03wEb"s, Type::a));
    const auto answer = encode(query, {.addresses = {four(2), four(3)}}, kMinLimit);
    const std::string record = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x02\x58\x00\x04"s;
    EXPECT_EQ(answer, "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x03wEb\x00\x00\x01\x00\x01"s + record +
                          "\xac\x12\x00\x02"s + record + "\xac\x12\x00\x03"s);
    EXPECT_TRUE(answers(answer, 0x1234, query));
}

TEST(DnsMessage, AnEdnsClientIsToldOurs) {
    const auto query = parsed(query_bytes("\x03web"s, Type::a, kEdns4096));
    const auto answer = encode(query, {.code = Code::no_such_name}, kMinLimit);
    EXPECT_EQ(answer[11], 1);
    EXPECT_EQ(code_of(answer), Code::no_such_name);
    EXPECT_TRUE(answer.ends_with("\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"s));
}

TEST(DnsMessage, WhatDoesNotFitIsCutAndMarked) {
    const auto query = parsed(query_bytes("\x04many"s, Type::a));
    Answer answer;
    for (std::uint8_t i = 0; i < 100; ++i) answer.addresses.push_back(four(i));
    const auto cut = encode(query, answer, kMinLimit);
    EXPECT_LE(cut.size(), kMinLimit);
    EXPECT_EQ(cut[2] & 2, 2) << "marked as cut";
    EXPECT_EQ(cut[7], (kMinLimit - 12 - 10) / 16);
    const auto whole = encode(query, answer, kMaxMessage);
    EXPECT_EQ(whole[2] & 2, 0);
    EXPECT_EQ(whole[7], 100);
}

TEST(DnsMessage, AnAnswerToSomethingElseIsNone) {
    const auto query = parsed(query_bytes("\x03web"s, Type::a));
    const auto answer = encode(query, {.addresses = {four(2)}}, kMinLimit);
    EXPECT_FALSE(answers(answer, 0x1235, query));
    EXPECT_FALSE(answers(answer, 0x1234, parsed(query_bytes("\x03wet"s, Type::a))));
    EXPECT_FALSE(answers(answer, 0x1234, parsed(query_bytes("\x03web"s, Type::aaaa))));
    EXPECT_TRUE(answers(answer, 0x1234, parsed(query_bytes("\x03WEB"s, Type::a))));
    const auto other = encode(parsed(query_bytes("\x03web"s, Type{'A'})), {}, kMinLimit);
    EXPECT_FALSE(answers(other, 0x1234, parsed(query_bytes("\x03web"s, Type{'a'})))) << "types are no letters";
    EXPECT_FALSE(answers(query_bytes("\x03web"s, Type::a), 0x1234, query)) << "a query is no answer";
    EXPECT_FALSE(answers(answer.substr(0, 14), 0x1234, query));
    EXPECT_TRUE(answers(encode_error(query_bytes("\x03web"s, Type::a), Code::refused), 0x1234, query));
    EXPECT_FALSE(answers(encode_error(query_bytes("\x03web"s, Type::a), Code::no_error), 0x1234, query));
}

TEST(DnsMessage, ReverseNames) {
    EXPECT_EQ(parse_reverse("2.0.18.172.in-addr.arpa"), four(2));
    Address six{.family = Address::Family::v6};
    six.bytes = {0xfd, 0x99, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42};
    EXPECT_EQ(parse_reverse("2.4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.9.9.d.f.ip6.arpa"), six);
    for (const char* name : {"in-addr.arpa", "1.2.3.in-addr.arpa", "256.0.18.172.in-addr.arpa",
                             "x.0.18.172.in-addr.arpa", "1.ip6.arpa", "web"})
        EXPECT_FALSE(parse_reverse(name)) << name;
}

}  // namespace
}  // namespace diatom::dns
