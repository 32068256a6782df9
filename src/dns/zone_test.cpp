#include "dns/zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace diatom::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Address four(std::uint8_t third, std::uint8_t last) {
    return {.family = Address::Family::v4, .bytes = {172, 18, third, last}};
}
Address six(std::uint8_t last) {
    Address address{.family = Address::Family::v6};
    address.bytes[0] = 0xfd;
    address.bytes[15] = last;
    return address;
}
Query ask(const std::string& name, Type type = Type::a) { return {.name = name, .type = type}; }

class ViewTest : public ::testing::Test {
protected:
    Answer answer_to(const Query& query) {
        Answer answer;
        EXPECT_EQ(decide(view_, query, answer), Decision::answer) << query.name;
        return answer;
    }
    bool leaves(const Query& query) {
        Answer answer;
        return decide(view_, query, answer) == Decision::forward;
    }

    std::shared_ptr<Zone> front_ = std::make_shared<Zone>(), back_ = std::make_shared<Zone>();
    View view_{.networks = {{.network = "front", .zone = front_}, {.network = "My.back", .zone = back_}}};
};

TEST_F(ViewTest, NamesAreThoseOfTheNetworksThatItIsOn) {
    front_->put("a", {"Web", "www"}, {four(0, 2), six(2)});
    back_->put("b", {"db"}, {four(1, 2)});
    EXPECT_THAT(answer_to(ask("web")).addresses, ElementsAre(four(0, 2)));
    EXPECT_THAT(answer_to(ask("www")).addresses, ElementsAre(four(0, 2)));
    EXPECT_THAT(answer_to(ask("web", Type::aaaa)).addresses, ElementsAre(six(2)));
    EXPECT_THAT(answer_to(ask("db")).addresses, ElementsAre(four(1, 2)));
    view_.networks.pop_back();
    EXPECT_EQ(answer_to(ask("db")).code, Code::no_such_name);
}

TEST_F(ViewTest, AKnownNameWithoutThatRecordIsAnEmptyAnswer) {
    back_->put("b", {"db"}, {four(1, 2)});
    for (const auto type : {Type::aaaa, static_cast<Type>(15), static_cast<Type>(65), static_cast<Type>(255)}) {
        const auto answer = answer_to(ask("db", type));
        EXPECT_EQ(answer.code, Code::no_error);
        EXPECT_THAT(answer.addresses, IsEmpty());
    }
}

TEST_F(ViewTest, ANameWithItsNetwork) {
    front_->put("a", {"web"}, {four(0, 2)});
    back_->put("b", {"web"}, {four(1, 2)});
    EXPECT_THAT(answer_to(ask("web.front")).addresses, ElementsAre(four(0, 2)));
    EXPECT_THAT(answer_to(ask("web.my.back")).addresses, ElementsAre(four(1, 2)));
    EXPECT_TRUE(leaves(ask("web.other")));
    EXPECT_TRUE(leaves(ask("nobody.front"))) << "the network may be named like a domain";
}

TEST_F(ViewTest, SeveralBehindOneNameTakeTurns) {
    for (std::uint8_t i = 2; i < 5; ++i)
        front_->put(std::string(1, static_cast<char>('a' + i)), {"many"}, {four(0, i)});
    const auto first = answer_to(ask("many")).addresses;
    EXPECT_THAT(first, UnorderedElementsAre(four(0, 2), four(0, 3), four(0, 4)));
    std::set<Address> leaders = {first.front()};
    for (int i = 0; i < 2; ++i) leaders.insert(answer_to(ask("many")).addresses.front());
    EXPECT_EQ(leaders.size(), 3U);
}

TEST_F(ViewTest, WhatIsOnlyLocalDoesNotLeave) {
    EXPECT_EQ(answer_to(ask("nonesuch")).code, Code::no_such_name);
    EXPECT_EQ(answer_to(ask("nonesuch", Type::aaaa)).code, Code::no_such_name);
    front_->put("a", {"stopped"}, {});
    EXPECT_EQ(answer_to(ask("stopped.front")).code, Code::no_such_name);
    EXPECT_TRUE(leaves(ask("example.org")));
    EXPECT_TRUE(leaves(ask("com", static_cast<Type>(43)))) << "a validating resolver asks for DS of com";
    EXPECT_TRUE(leaves(ask("")));
    Query odd;
    odd.printable = false;
    EXPECT_TRUE(leaves(odd));
}

TEST_F(ViewTest, ReverseLookups) {
    front_->set_ranges({{.base = four(0, 0), .prefix = 24}});
    front_->put("a", {"web", "www"}, {four(0, 2)});
    EXPECT_THAT(answer_to(ask("2.0.18.172.in-addr.arpa", Type::ptr)).names, ElementsAre("web.front"));
    EXPECT_EQ(answer_to(ask("3.0.18.172.in-addr.arpa", Type::ptr)).code, Code::no_such_name);
    EXPECT_TRUE(leaves(ask("3.1.18.172.in-addr.arpa", Type::ptr)));
}

TEST_F(ViewTest, LinksAreNamesForOneContainerOnly) {
    front_->put("a", {"web"}, {four(0, 2)});
    view_.links["db"] = "web";
    EXPECT_THAT(answer_to(ask("db")).addresses, ElementsAre(four(0, 2)));
}

TEST(Zone, WhatIsPutAgainReplacesAndWhatIsRemovedIsGone) {
    Zone zone;
    zone.put("a", {"web", "old"}, {four(0, 2)});
    zone.put("a", {"web", "new"}, {four(0, 3)});
    EXPECT_FALSE(zone.knows("old"));
    EXPECT_THAT(zone.find("web", Address::Family::v4), ElementsAre(four(0, 3)));
    EXPECT_EQ(zone.name_of(four(0, 2)), "");
    zone.put("b", {"web"}, {});
    zone.remove("a");
    EXPECT_TRUE(zone.knows("web"));
    EXPECT_FALSE(zone.runs("web"));
    zone.remove("b");
    zone.remove("b");
    EXPECT_FALSE(zone.knows("web"));
}

TEST(Range, HoldsWhatItsPrefixSays) {
    const Range twenty{.base = four(16, 0), .prefix = 20};
    EXPECT_TRUE(twenty.contains(four(31, 255)));
    EXPECT_FALSE(twenty.contains(four(32, 0)));
    EXPECT_FALSE(twenty.contains(six(1)));
    EXPECT_TRUE((Range{.base = four(0, 7), .prefix = 32}.contains(four(0, 7))));
    EXPECT_FALSE((Range{.base = four(0, 7), .prefix = 32}.contains(four(0, 6))));
    EXPECT_TRUE((Range{.base = four(0, 0), .prefix = 0}.contains({.bytes = {8, 8, 8, 8}})));
}

}  // namespace
}  // namespace diatom::dns
