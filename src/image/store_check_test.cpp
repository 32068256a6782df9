// Each thing that may be wrong with a store, made by hand and found.
#include <gmock/gmock.h>

#include "image/testing/store_fixture.h"
#include "sys/file.h"

namespace diatom::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Activity = Store::Activity;

class StoreCheck : public testing::StoreFixture {
protected:
    void SetUp() override {
        image_ = testing::make_image({testing::one_file_layer("file", "one"), testing::one_file_layer("file", "two")});
        for (const auto& layer : image_.layers) ASSERT_TRUE(unpack(layer));
        const auto id = Digest::of(image_.config);
        ASSERT_TRUE(store_->put_blob(id, image_.config));
        ASSERT_TRUE(store_->add_image(id, {}, "docker.io/library/web:latest", ""));
        ASSERT_TRUE(store_->create_rootfs("kept", id));
    }
    std::vector<std::string> check(Activity activity = Activity::at_rest) {
        auto found = store_->check({"kept"}, activity);
        EXPECT_TRUE(found) << found.error().what();
        std::vector<std::string> texts;
        for (const auto& finding : found.value_or(Findings())) texts.push_back(finding.what + ": " + finding.where);
        return texts;
    }

    testing::TestImage image_;
};

TEST_F(StoreCheck, NothingIsFoundWhereAllIsRight) {
    ASSERT_TRUE(sys::write_file(root() + "/ingest/sha256-aa.part", "a partial download"));
    EXPECT_THAT(check(), IsEmpty());
}

TEST_F(StoreCheck, FindsWhatNobodyKnows) {
    ASSERT_TRUE(sys::make_dirs(root() + "/layers/stray/fs"));
    EXPECT_THAT(check(), ElementsAre("a layer directory that no record mentions: " + root() + "/layers/stray"));
    EXPECT_THAT(check(Activity::at_work), IsEmpty());
    ASSERT_TRUE(sys::make_dirs(root() + "/ingest/layer-aa-1"));
    ASSERT_TRUE(sys::make_dirs(root() + "/rootfs/gone"));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("/layers/stray"), HasSubstr("/ingest/layer-aa-1"),
                                     HasSubstr("a root file system that belongs to no container")));
    ASSERT_TRUE(store_->recover({{"kept", {}}}));
    EXPECT_THAT(check(), IsEmpty());
    ASSERT_TRUE(store_->create_rootfs("unknown", Digest::of(image_.config)));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("/rootfs/unknown"), HasSubstr("the database has a root file system")));
}

TEST_F(StoreCheck, FindsWhatIsMissing) {
    ASSERT_TRUE(sys::remove_tree(root() + "/rootfs/kept"));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("the root file system of a container is not on the disk")));
    ASSERT_TRUE(store_->remove_rootfs("kept"));
    ASSERT_TRUE(store_->recover({{"kept", Digest::of(image_.config)}}));
    EXPECT_THAT(check(), IsEmpty()) << "a power cut took the record and the directories";
    ASSERT_TRUE(sys::remove_tree(root() + "/rootfs/kept"));
    ASSERT_TRUE(sys::remove_tree(layer_path(image_.layers[0])));
    EXPECT_THAT(check(Activity::at_work),
                ElementsAre(HasSubstr("a layer is not on the disk"), HasSubstr("rootfs/kept")));
    ASSERT_TRUE(store_->recover({{"kept", {}}}));
    EXPECT_THAT(check(), ElementsAre(HasSubstr("an image lacks a layer")));
}

}  // namespace
}  // namespace diatom::image
