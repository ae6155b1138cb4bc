"""What can be judged of networks without truth: whether they see and draw what nobody doubts.

A network whose pictures come in with red and blue swapped, or in another range, still answers, only
badly. `checking` asks each network a question whose answer is known (where is the nose of the mean
face?), asks again as if its convention were another (`ways`), and says which one it seems to be
made for. The questions are in `questions`, one per role.
"""

from unripple.runtime.model_check.checking import NetworkOutcome as NetworkOutcome
from unripple.runtime.model_check.checking import check_network as check_network
from unripple.runtime.model_check.checking import check_zoo as check_zoo
from unripple.runtime.model_check.checking import is_here as is_here
from unripple.runtime.model_check.questions import QUESTIONS as QUESTIONS
