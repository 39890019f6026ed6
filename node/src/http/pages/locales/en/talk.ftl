# The feed, posts, notices.
compose = What is new?
compose-public = Everybody can read it, and it cannot be taken back.
keep-draft = Keep as a draft
post = Post
tag-own = Tag things from your shop
done-posted = Said. It goes out to everybody who reads you.
done-replied = Your answer is on its way.
done-reshared = Passed on to everybody who reads you.
done-kept = Kept on this node.
feed-show = What to show
feed-all = Everything
feed-posts = Posts
feed-reviews = Reviews and vouches
feed-newest-first = Newest first
feed-empty = Nothing here yet
feed-none-yet = Nothing of this kind is among the newest. There may be some among the older ones.
feed-empty-nobody = Follow people you know, and you will read here what they say and recommend.
feed-empty-quiet = Nobody you follow has said anything yet. You can be the first.
find-people = Find people
why-yours = You said it
why-followed = You follow them
said-vouch = vouches for
said-unvouch = no longer vouches for
said-review = bought and reviewed
said-reshare = passed on
said-reply = answered
equivocated = One of their devices said two different things under one number. Be careful.
stars = { $count ->
    [one] { $count } star of 5
   *[other] { $count } stars of 5
}
bought-it = Bought it
product-not-here = A product that has not arrived here yet
answers = { $count ->
    [0] Answer
    [one] { $count } answer
   *[other] { $count } answers
}
react = React
unreact = Take back
reshare = Pass on
reply = Answer
your-answer = Your answer
answer-to = In answer to { $name }
post-by = Post by { $name }
